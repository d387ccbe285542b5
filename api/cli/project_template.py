"""Projects made like others: a template holds settings, pools and keys, from a file or from a project that is there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, ValidationError

from api.cli.files import file_bytes
from api.cli.key_commands import KEYS_MAX
from api.cli.queries import KEYS, POOLS, PROJECT
from api.cli.reading import listing, single
from domain.kernel.message import Message
from domain.lock.events import PoolMember
from domain.project.settings import ProjectSettings
from signalbox.client.asks import command, new_key
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, integer, objects, optional_object, text, texts

if TYPE_CHECKING:
    from signalbox.client.synchronous import Client

POOLS_MAX: Final = 256
_DAY_SECONDS: Final = 86_400
_FILES: Final = (".yaml", ".yml", ".json")


class PoolEntry(Message):
    """A pool, by a count or by its members."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    count: Annotated[int, Field(ge=0, le=256)] | None = None
    members: Annotated[tuple[PoolMember, ...], Field(max_length=256)] = ()
    quota: Annotated[int, Field(ge=1, le=256)] | None = None


class KeyEntry(Message):
    """A key that opens the project; its secret is shown once, when it is made."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Literal["admin", "operator", "viewer", "worker"] = "worker"
    days: Annotated[float, Field(gt=0, le=3_650)] | None = None


class Template(Message):
    """What a project is made with."""

    lock_delay_seconds: Annotated[int, Field(ge=0, le=600)] = 30
    settings: ProjectSettings = ProjectSettings()
    pools: Annotated[tuple[PoolEntry, ...], Field(max_length=POOLS_MAX)] = ()
    keys: Annotated[tuple[KeyEntry, ...], Field(max_length=50)] = ()


def template_of(client: "Client", source: str) -> Template:
    """The template that a file holds, or that a project is an example of. Raises Refused."""
    if source.lower().endswith(_FILES):
        return _of_file(Path(source))
    found = optional_object(single(client, PROJECT, {"name": source}), "project")
    if not found:
        advice = "Name a project of `signalbox project list`, or a file that ends in .yaml or .json."
        raise Refused("unknown_thing", f"There is no project {source} here.", advice)
    pools = listing(client, POOLS, {"where": {"project": source}}, POOLS_MAX).rows
    return Template(
        lock_delay_seconds=integer(found, "lockDelaySeconds"),
        settings=_settings(found),
        pools=tuple(_pool(row) for row in pools),
    )


def make(client: "Client", name: str, template: Template) -> list[Fields]:
    """Make the project with all that the template says; again changes nothing. The keys that were made.

    Raises Refused, also for a project that is there and was set up otherwise.
    """
    found = optional_object(single(client, PROJECT, {"name": name}), "project")
    if found and _settings(found) not in (ProjectSettings(), template.settings):
        advice = "Choose another name, or change it by `signalbox project set`."
        raise Refused("project_exists", f"the project {name} is there and set up otherwise", advice)
    client.command("create_project", name=name, lock_delay_seconds=template.lock_delay_seconds)
    settings = template.settings.model_dump(mode="json", exclude_defaults=True)
    if settings:
        client.ask(command("update_project", {"project": name, **settings}))
    for pool in template.pools:
        fields = pool.model_dump(mode="json", exclude={"name"}, exclude_none=True)
        client.ask(command("set_pool", {"project": name, "pool": pool.name, **fields}))
    return [_issued(client, name, key) for key in _missing(client, name, template)]


def _issued(client: "Client", project: str, key: KeyEntry) -> Fields:
    seconds = None if key.days is None else max(1, round(key.days * _DAY_SECONDS))
    return {"name": key.name, "role": key.role, **client.ask(new_key(key.name, key.role, [project], seconds)).answer}


def _missing(client: "Client", project: str, template: Template) -> list[KeyEntry]:
    """The keys of the template but for those that a former try made."""
    if not template.keys:
        return []
    rows = listing(client, KEYS, {}, KEYS_MAX).rows
    there = {text(row, "name") for row in rows if project in texts(row, "projectNames") and not row.get("revoked")}
    return [key for key in template.keys if key.name not in there]


def _settings(row: Fields) -> ProjectSettings:
    return ProjectSettings.model_validate(optional_object(row, "settings"), strict=False)


def _pool(row: Fields) -> PoolEntry:
    """A count where the members are just numbered, as a count makes them."""
    present = [one for one in objects(row, "members") if one.get("state") != "draining"]
    members = tuple(PoolMember(name=text(one, "name"), labels=texts(one, "labels")) for one in present)
    numbered = {(str(number), ()) for number in range(1, len(members) + 1)}
    plain = {(one.name, one.labels) for one in members} == numbered
    quota = None if row.get("quota") is None else integer(row, "quota")
    if plain:
        return PoolEntry(name=text(row, "name"), count=len(members), quota=quota)
    return PoolEntry(name=text(row, "name"), members=members, quota=quota)


def _of_file(file: Path) -> Template:
    from api.plan.json_text import read_json
    from api.plan.nodes import UnreadableError, plain
    from api.plan.text import checked, decoded
    from api.plan.yaml_text import read_yaml

    try:
        content = checked(decoded(file_bytes(file)))
        root = read_json(content) if file.suffix.lower() == ".json" else read_yaml(content)
        return Template.model_validate({} if root is None else plain(root))
    except UnreadableError as error:
        raise Refused("bad_template", f"{file}:{error.at.line}: {error.message}", error.advice) from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors()]
        raise Refused("bad_template", f"{file}: " + "; ".join(faults[:10]), "Mend it; nothing was made.") from None
