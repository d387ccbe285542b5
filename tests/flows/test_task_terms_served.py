"""What plans say of tasks, through a real server, its command line and its workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.command_line import CommandLine, end


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    line = CommandLine(tmp_path_factory.mktemp("terms"))
    server = line.serve()
    try:
        yield line
    finally:
        assert end(server) == 0


def applied(cli: CommandLine, text: str) -> None:
    (cli.folder / "terms.yaml").write_text(text)
    cli("plan", "apply", "terms.yaml")


def task(cli: CommandLine, project: str, key: str) -> dict[str, object]:
    found: dict[str, object] = cli("task", "show", key, "-p", project, "--json").json
    return found


def test_a_worker_brings_evidence_and_tells_what_it_spent(cli: CommandLine) -> None:
    hash_of_commit = "a" * 40
    applied(
        cli,
        f"""
project: proof
defaults: {{retry: {{max_attempts: 1}}}}
tasks:
  - key: good
    title: With evidence
    evidence: [commit]
    run: |
      echo '::usage {{"input_tokens": 7, "output_tokens": 2}}'
      echo '::artifact patch git:{hash_of_commit}'
      echo '::evidence commit {hash_of_commit}'
  - {{key: bad, title: Without, evidence: [commit], run: "true"}}
  - {{key: after, title: After it, needs: [bad]}}
""",
    )
    cli("worker", "-p", "proof", "--until-idle", code=5)
    good, bad = task(cli, "proof", "good"), task(cli, "proof", "bad")
    assert good["status"] == "completed"
    assert isinstance(good["usage"], dict)
    assert (good["usage"]["input_tokens"], good["usage"]["output_tokens"]) == (7, 2)
    assert (bad["status"], "commit is missing" in str(bad["reason"])) == ("failed", True)
    waiting = cli("task", "list", "-p", "proof", "--attention", "--json").json["tasks"]
    assert [(one["key"], one["attention"]) for one in waiting] == [("after", ["blocked"])]
    cli("task", "cancel", "after", "-p", "proof")
    assert cli("task", "list", "-p", "proof", "--attention", "--json").json["tasks"] == []


def test_parts_are_done_before_the_whole_and_an_earliest_start_is_waited_for(cli: CommandLine, tmp_path: Path) -> None:
    record = tmp_path / "record"
    applied(
        cli,
        f"""
project: parts
defaults: {{run: "echo $SIGNALBOX_TASK_KEY >> {record}"}}
tasks:
  - {{key: whole, title: Whole}}
  - {{key: one, title: One, parent: whole}}
  - {{key: two, title: Two, parent: whole, needs: [one]}}
""",
    )
    cli("worker", "-p", "parts", "--until-idle")
    assert record.read_text().split() == ["one", "two", "whole"]
    whole = task(cli, "parts", "whole")
    assert (whole["status"], whole["parts_settled"], whole["parts_total"]) == ("completed", 2, 2)
    assert whole["reassigned_total"] == 0


def test_a_task_is_created_and_given_to_a_session(cli: CommandLine) -> None:
    cli("project", "create", "given")
    made = cli("task", "create", "solo", "-p", "given", "--run", "true", "--json").json
    assert made["created"] is True
    assert cli("task", "create", "solo", "-p", "given", "--run", "true", "--json").json["created"] is False
    cli("task", "reassign", "solo", "-p", "given", "--to", "nobody-there", code=1)
    cli("task", "reassign", "solo", "-p", "given", "--reason", "again")
    assert task(cli, "given", "solo")["reassigned_total"] == 1
    cli("task", "dismiss", "solo", "overdue", "-p", "given")
    cli("worker", "-p", "given", "--until-idle")
    assert task(cli, "given", "solo")["status"] == "completed"


def test_one_project_lets_another_need_its_tasks(cli: CommandLine) -> None:
    applied(cli, "{project: platform, tasks: [{key: auth, title: Auth, run: 'true'}]}")
    text = "{project: shopping, tasks: [{key: cart, title: Cart, needs: [platform/auth], run: 'true'}]}"
    (cli.folder / "cross.yaml").write_text(text)
    cli("project", "create", "shopping")
    refused = cli("plan", "apply", "cross.yaml", code=1)
    assert "cross.yaml:1: " in refused.err
    assert "platform/auth" in refused.err
    cli("project", "grant", "platform", "--needs-to", "shopping")
    cli("plan", "apply", "cross.yaml")
    assert cli("plan", "diff", "cross.yaml", "--json").json["unchanged"] == ["cart"]
    cli("worker", "-p", "platform", "--until-idle")
    cli("worker", "-p", "shopping", "--until-idle")
    assert task(cli, "shopping", "cart")["status"] == "completed"
    cli("project", "revoke", "platform", "--needs-to", "shopping")


def test_settings_of_a_project_hold(cli: CommandLine) -> None:
    cli("project", "create", "capped")
    cli("project", "set", "capped", "--running-max", "1", "--soft-tokens", "5", "--hard-tokens", "50")
    cli("project", "set", "capped", "--soft-tokens", "60", code=1)
    applied(cli, "{project: capped, tasks: [{key: a, title: A, run: 'echo ::usage {\\\"input_tokens\\\": 6}'}]}")
    cli("worker", "-p", "capped", "--until-idle")
    words = cli("events", "-p", "capped").out
    assert "project.budget_noticed.v1" in words
    told = {one["unit"]: one for one in cli("project", "budget", "capped", "--json").json["budget"]}
    assert told["tokens"] == {"unit": "tokens", "spent": 6, "reserved": 0, "soft": 5, "hard": 50, "left": 44}
    assert told["cost_microdollars"]["left"] is None
    limits = cli("project", "limits", "capped", "--json").json
    assert limits == {"project": "capped", "running": 0, "running_max": 1, "weight": 1}
    cli("project", "pause", "capped", "--reason", "a freeze by its other name")
    assert cli("project", "show", "capped", "--json").json["frozen"] is True
    cli("project", "resume", "capped")
    assert cli("project", "show", "capped", "--json").json["frozen"] is False
    cli("project", "budget", "nowhere", code=1)


def test_a_plan_that_would_be_refused_differs_with_code_1(cli: CommandLine) -> None:
    applied(cli, "{project: edited, tasks: [{key: a, title: A}]}")
    (cli.folder / "edited.yaml").write_text(
        "{project: edited, tasks: [{key: a, title: B, deadline: 2040-01-01T00:00:00Z}]}"
    )
    differs = cli("plan", "diff", "edited.yaml", "--json", code=1).json
    assert [one["field"] for one in differs["changed"][0]["fields"]] == ["title", "deadline"]
    assert differs["changed"][0]["fields"][1]["after"] == "2040-01-01T00:00:00Z"
    cli("plan", "apply", "edited.yaml", code=1)


def test_json_of_tasks_has_one_style_of_names(cli: CommandLine) -> None:
    applied(cli, "{project: names, tasks: [{key: a, title: A, scope: ['path:r//a']}, {key: b, title: B, needs: [a]}]}")
    for told in (task(cli, "names", "b"), *cli("task", "list", "-p", "names", "--json").json["tasks"]):
        assert all(name == name.lower() for name in told), told
    need = task(cli, "names", "b")["needs"]
    assert isinstance(need, list)
    assert "task_id" in need[0]
