"""A plan written as YAML, so that what reads YAML can be held against what was meant."""

import yaml

from api.plan.nodes import UnreadableError
from api.plan.yaml_text import plain_value


class _Dumper(yaml.SafeDumper):
    """Quotes what YAML 1.1 takes for text and YAML 1.2 does not, such as 1e100; never writes aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def plan_yaml(document: object) -> str:
    """The document of a plan as YAML that reads back as the same."""
    return yaml.dump(document, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=120)


def _write_text(_: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style=style if _is_text(text) else "'")


def _is_text(text: str) -> bool:
    try:
        return isinstance(plain_value(text), str)
    except UnreadableError:
        return False


_Dumper.add_representer(str, _write_text)
