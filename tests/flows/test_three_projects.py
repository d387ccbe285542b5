"""The example of a release over three projects, with real workers: each waits for what the others make."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house.sources import ROOT
from tests.support.command_line import CommandLine, end
from tests.support.waiting import until

EXAMPLES = ROOT / "examples" / "pipelines" / "three-projects"


@pytest.fixture
def cli(tmp_path: Any) -> Iterator[CommandLine]:
    """A server with three projects, their pipelines and a worker for each."""
    line = CommandLine(tmp_path, {})
    server = line.serve()
    workers = []
    try:
        for project in ("core", "web", "product"):
            line("project", "create", project)
            workers.append(line.start("worker", "-p", project, "--capacity", "4", log=tmp_path / f"{project}.log"))
        for owner, other in (("core", "web"), ("core", "product"), ("web", "product")):
            line("project", "grant", owner, "--needs-to", other)
        for project, name in (("core", "core"), ("web", "web"), ("product", "notes"), ("product", "release")):
            line("pipeline", "publish", str(EXAMPLES / f"{name}.yaml"), "-p", project)
        yield line
    finally:
        for worker in workers:
            worker.kill()
            worker.wait(90.0)
        assert end(server) == 0


def test_a_release_waits_for_two_projects_runs_its_notes_and_hears_what_is_taken_back(cli: CommandLine) -> None:
    def start(project: str, pipeline: str) -> str:
        asked = ("run", "start", pipeline, "-p", project, "-i", "release=v1", "--correlation-key", "v1", "--json")
        return str(cli(*asked).json["run"])

    def shown(run: str, project: str) -> dict[str, Any]:
        found: dict[str, Any] = cli("run", "show", run, "-p", project, "--json").json
        return found

    def places(run: str, project: str) -> dict[str, dict[str, Any]]:
        return {one["place"]: one for one in shown(run, project)["phases"]}

    release = start("product", "release")
    web = start("web", "build")
    assert {one: places(release, "product")[one]["status"] for one in ("core", "web")} == dict.fromkeys(
        ("core", "web"), "waiting"
    )
    assert "web: it waits for web: the latest build of v1" in cli("run", "explain", release, "web", "-p", "product").out
    core = start("core", "build")
    until(lambda: places(release, "product")["go"]["status"] == "waiting")
    before = places(release, "product")
    assert before["web"]["output"] == {"id": web, "outcome": "succeeded", "output": {"package": "web-1.0"}}
    notes = shown(before["notes"]["child_id"], "product")
    assert (notes["status"], notes["parent_id"], notes["outputs"]) == ("succeeded", release, {"page": "notes/1.0.md"})
    cli("gate", "override", release, "go", "-p", "product", "--reason", "both owners said so")
    until(lambda: shown(release, "product")["status"] == "succeeded")

    cli("run", "rollback", core, "-p", "core", "--reason", "the package is broken")
    until(lambda: shown(shown(core, "core")["rolled_back_by_id"], "core")["status"] == "succeeded")
    assert "rolled back" in places(release, "product")["core"]["reason"]
    assert shown(release, "product")["status"] == "succeeded"

    facts = cli("fact", "list", "build", "-p", "core", "--kind", "outcome", "--json").json["facts"]
    assert {one["correlation_key"]: (one["run_id"], one["outcome"], one["holds"]) for one in facts} == {
        "": (core, "succeeded", False),
        "v1": (core, "succeeded", False),
    }
    cli("fact", "publish", "lib", "1.0", "-p", "core", "--uri", "https://h/lib")
    cli("fact", "signal", "go", "-p", "core", "-i", "by=me")
    listed = cli("fact", "list", "-p", "core").out
    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [
        ["signal", "go"],
        ["outcome", "build"],
        ["outcome", "build"],
        ["artefact", "lib"],
    ]
