"""Figures carry no names of single things, logs carry no keys."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from api.composition.lag import LagStand
from domain.kernel.ids import SECOND
from infrastructure.keys import Keys
from infrastructure.log.memory import MemoryLog
from infrastructure.runtime.projector import ProjectionStatus
from infrastructure.telemetry import Metrics, set_up_logging
from tests.projections.histories import History, append


@pytest.fixture
def former_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn").setLevel(logging.NOTSET)
    structlog.reset_defaults()


@pytest.mark.usefixtures("former_logging")
def test_a_log_line_is_json_with_its_trace_and_without_the_secret_of_a_key(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "json")
    minted = Keys(b"s").mint()
    logger = structlog.stdlib.get_logger("signalbox.test")
    try:
        raise ValueError(f"bad key {minted.secret}")
    except ValueError:
        logger.exception("fault", given=f"Bearer {minted.secret}", number=5)
    logging.getLogger("library").warning("also %s", minted.secret)
    logger.debug("not at this level")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["level"], first["logger"], first["number"]) == ("fault", "error", "signalbox.test", 5)
    assert "Traceback" in first["exception"]
    assert second["event"].startswith("also sbx_")
    assert minted.secret not in json.dumps([first, second])
    assert minted.key.removeprefix("key_") in first["given"]


@pytest.mark.usefixtures("former_logging")
def test_a_log_line_for_people_keeps_the_secret_too(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging("info", "console")
    secret = Keys(b"s").mint().secret
    structlog.get_logger("signalbox.test").info("opened", key=secret)
    text = capsys.readouterr().err
    assert "opened" in text
    assert secret not in text


def test_the_figures_tell_what_was_done_and_how_far_behind_each_projection_is() -> None:
    metrics = Metrics()
    metrics.command("claim_task", "accepted")
    metrics.command("claim_task", "nothing_ready")
    metrics.heartbeat("live")
    metrics.appended(3, 0.004)
    metrics.watch(head=lambda: 10, projections=lambda: {"board": 7, "late_reader": 12}, waiters=lambda: 2)
    lines = metrics.text().decode().splitlines()
    for line in (
        'signalbox_commands_total{outcome="accepted",type="claim_task"} 1.0',
        'signalbox_heartbeats_total{status="live"} 1.0',
        "signalbox_group_size_sum 3.0",
        'signalbox_append_seconds_bucket{le="0.005"} 1.0',
        "signalbox_head 10.0",
        "signalbox_waiters 2.0",
        'signalbox_projection_lag{projection="board"} 3.0',
        'signalbox_projection_lag{projection="late_reader"} 0.0',
    ):
        assert line in lines


async def test_the_figures_tell_how_long_the_oldest_event_has_waited_for_each_read_model() -> None:
    history, log = History(), MemoryLog()
    history.plan(1)
    append(log, history.log)
    before = log.head()
    history.now += 90 * SECOND
    history.plan(2)
    append(log, history.log[before:])
    behind = (_at("level", log.head()), _at("late", before), _at("never", 0))
    waited = await LagStand(log, lambda: behind).look()
    assert waited["level"] == 0.0
    oldest, later = (log.page(after=place, limit=1)[0].recorded_at for place in (0, before))
    assert later - oldest >= 90 * SECOND
    assert waited["never"] - waited["late"] == pytest.approx((later - oldest) / SECOND)
    metrics = Metrics()
    metrics.projections_waited(waited)
    metrics.projections_waited({"late": 1.5})
    lines = metrics.text().decode().splitlines()
    assert 'signalbox_projection_lag_seconds{projection="level"} 0.0' in lines
    assert 'signalbox_projection_lag_seconds{projection="late"} 1.5' in lines


def _at(name: str, checkpoint: int) -> ProjectionStatus:
    return ProjectionStatus(name, "following", 1, checkpoint, drifted=False, parked_streams=0, error="")
