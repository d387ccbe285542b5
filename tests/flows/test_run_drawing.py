"""The graph of a run in text: in the order in which one reads it, a line for each phase."""

from api.cli.run.drawing import arranged, drawn
from signalbox.client.fields import Fields


def phase(place: str, *needs: str, reason: str = "", status: str = "SUCCEEDED") -> Fields:
    return {"place": place, "needs": list(needs), "status": status, "generation": 1, "reason": reason}


def test_what_is_inside_of_a_loop_stands_below_it_each_behind_what_it_needs() -> None:
    phases = [
        phase("write"),
        phase("polish", "write"),
        phase("polish/10/fix", "polish/10/review"),
        phase("polish/10/review"),
        phase("polish/2/fix", "polish/2/review"),
        phase("polish/2/review"),
        phase("merge", "polish"),
    ]

    assert drawn(arranged(phases)) == [
        "✓ write  succeeded",
        "  ✓ polish  succeeded",
        "    ✓ polish/2/review  succeeded",
        "      ✓ polish/2/fix  succeeded",
        "    ✓ polish/10/review  succeeded",
        "      ✓ polish/10/fix  succeeded",
        "    ✓ merge  succeeded",
    ]


def test_items_of_a_map_inside_of_a_loop_stand_below_the_map() -> None:
    phases = [phase("a"), phase("a/1/checks"), phase("a/1/checks/x"), phase("a/1/checks/3"), phase("b")]

    assert [one["place"] for one in arranged(reversed_behind(phases))] == [
        "a", "a/1/checks", "a/1/checks/3", "a/1/checks/x", "b",
    ]  # fmt: skip


def test_a_reason_of_several_lines_stays_on_the_line_of_its_phase() -> None:
    assert drawn([phase("deploy", status="FAILED", reason="not found\nexit code 127")]) == [
        "✗ deploy  failed: not found exit code 127"
    ]


def test_what_needs_nothing_that_is_shown_is_drawn_all_the_same() -> None:
    assert drawn(arranged([phase("polish/1/fix", "polish/1/review"), phase("other")])) == [
        "✓ polish/1/fix  succeeded",
        "✓ other  succeeded",
    ]


def reversed_behind(phases: list[Fields]) -> list[Fields]:
    """What is inside the wrong way round; the definition's own phases as they are."""
    own = [one for one in phases if "/" not in str(one["place"])]
    return [*own, *reversed([one for one in phases if one not in own])]
