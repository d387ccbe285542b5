"""What rows in SQLite cost does not grow with what is in them already."""

from pathlib import Path

from infrastructure.rows.port import Change
from infrastructure.rows.sqlite import SqliteRows
from projections.kernel.replay import replay
from projections.kernel.rows import Versioned
from projections.timeline.projection import TIMELINE
from tests.projections.histories import History


def test_a_line_is_written_without_looking_at_those_before_it(tmp_path: Path) -> None:
    history = History()
    history.plan(0)
    line = next(iter(replay(TIMELINE, history.log).values()))
    store = SqliteRows(tmp_path / "rows.db")
    generation = store.open(TIMELINE, "f")

    def steps_of(first: int, count: int) -> int:
        """Instructions of SQLite's machine while so many lines are written."""
        steps = 0

        def step() -> int:
            nonlocal steps
            steps += 1
            return 0

        lines = [Versioned(line._replace(key=f"{at:06d}"), at, None) for at in range(first, first + count)]
        store._writer.set_progress_handler(step, 1)
        assert store.write([Change(generation.at(first - 1), first + count - 1, versions=lines)])
        store._writer.set_progress_handler(None, 0)
        return steps

    early = steps_of(1, 1)
    steps_of(2, 2_000)
    assert steps_of(2_002, 1) < 2 * early
    store.close()
