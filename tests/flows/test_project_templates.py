"""Projects that are made like others: from a project, from a file, again, and never over one that is there."""

from pathlib import Path
from typing import Any

import pytest

from api.cli.project_template import Template, template_of
from signalbox.client import Refused
from tests.faults.server_process import ServerProcess
from tests.support.command_line import CommandLine

FILE = """
lock_delay_seconds: 5
settings:
  repositories: [{name: app, ignores_case: true}]
  protected_branches: [main, release/*]
  weight: 3
pools:
  - {name: worktrees, count: 2}
  - {name: gpu, members: [{name: a, labels: [big]}, {name: b}], quota: 1}
keys:
  - {name: builder, days: 7}
  - {name: reader, role: viewer}
"""


def test_a_project_is_made_from_a_file_and_another_one_from_that(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(FILE)
    data = tmp_path / "data"
    process = ServerProcess(data, "sqlite", graphql=True)
    process.start()
    line = CommandLine(tmp_path, {"SIGNALBOX_DATA": str(data)})
    made = line("project", "create", "base", "--from", "base.yaml", "--json").json
    assert [(one["name"], one["role"], one["secret"][:4]) for one in made["keys"]] == [
        ("builder", "worker", "sbx_"), ("reader", "viewer", "sbx_"),
    ]  # fmt: skip
    assert line("project", "create", "base", "--from", "base.yaml", "--json").json["keys"] == []
    line("project", "create", "copy", "--from", "base", "--lock-delay", "7")
    template: Any = line("project", "template", "copy", "--json").json
    assert template == {
        "lock_delay_seconds": 7,
        "settings": {
            "repositories": [{"name": "app", "ignores_case": True}],
            "protected_branches": ["main", "release/*"],
            "weight": 3,
        },
        "pools": [
            {"name": "gpu", "members": [{"name": "a", "labels": ["big"]}, {"name": "b"}], "quota": 1},
            {"name": "worktrees", "count": 2},
        ],
    }
    line("project", "set", "copy", "--weight", "9")
    refused = line("project", "create", "copy", "--from", "base", "--json", code=1).json["error"]
    assert refused["code"] == "project_exists"
    assert (
        line("project", "create", "new", "--from", "absent", "--json", code=1).json["error"]["code"] == "unknown_thing"
    )
    process.stop()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("settings: {wieght: 3}", "settings.wieght"),
        ("pools: [{name: x, count: 1000}]", "pools.0.count"),
        ("keys: [{name: x, role: king}]", "keys.0.role"),
        ("settings: {weight: 3", "faulty.yaml:1"),
        ("[]", "the file"),
    ],
)
def test_a_faulty_file_makes_nothing(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "faulty.yaml").write_text(text)
    client: Any = None
    with pytest.raises(Refused) as refused:
        template_of(client, str(tmp_path / "faulty.yaml"))
    assert refused.value.code == "bad_template"
    assert said in refused.value.message


def test_an_empty_file_says_what_every_project_has(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    client: Any = None
    assert template_of(client, str(tmp_path / "empty.yaml")) == Template()
