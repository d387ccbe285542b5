"""What a worker hands on of the output of its command: nothing that only a terminal understands."""

import pytest

from domain.kernel.text import is_fit
from signalbox.client.readable import readable


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("plain words\n\tand more", "plain words\n\tand more"),
        ("\x1b[1;31mred\x1b[0m \x1b]0;title\x07done", "red done"),
        ("10%\r20%\r\nend", "10%\n20%\nend"),
        ("a\0b\u202ec\x85d\x7f", "abc\nd"),
        ("\x1b", ""),
        ("\x1b]never closed", ""),
    ],
)
def test_what_a_program_prints_is_made_fit_for_a_report(said: str, told: str) -> None:
    assert readable(said) == told


def test_what_is_fit_for_a_report_is_what_the_server_takes() -> None:
    everything = "".join(map(chr, range(0x11000)))
    assert is_fit(readable(everything))
    taken = "".join(character for character in everything if is_fit(character))
    assert readable(taken) == taken
