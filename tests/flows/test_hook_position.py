"""What the hook asks the read models it asks as of the end of the log: what was done a moment ago is in it."""

from pathlib import Path
from typing import Any, cast

import pytest

from signalbox.hook.context import context
from signalbox.hook.desk import Desk
from signalbox.hook.event import Event
from signalbox.hook.memory import memory_of
from signalbox.hook.options import options_of
from signalbox.hook.wire import Wire

HEAD = 17


class Anywhere:
    """A connection that nothing is sent through."""

    url = "http://127.0.0.1:1"


def test_the_project_and_the_task_of_an_agent_are_read_as_of_the_end_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []

    def told(_wire: Wire, _path: str, fields: dict[str, Any]) -> dict[str, Any]:
        asked.append(fields)
        return {"data": {"status": {"head": HEAD}, "projects": {"edges": [{"node": {"name": "shop"}}]}}}

    monkeypatch.setattr("signalbox.hook.asking._asked", told)
    event, options = Event("claude", {"session_id": "s"}, {}), options_of(["claude"], {})
    desk = Desk(cast("Wire", Anywhere()), event, options, memory_of(str(tmp_path), "claude", "s", ""), None)
    desk.adopt("sess_1", 1)
    assert desk.memory.project == "shop"
    context(desk, "app")
    reads = [one["variables"] for one in asked if "status" not in one["query"].split("{")[1]]
    assert [one.get("after") for one in reads] == [HEAD, HEAD]
