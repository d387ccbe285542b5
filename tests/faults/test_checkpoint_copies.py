"""A kill or a full disk in the middle of a line costs that copy of a checkpoint, and no other."""

from pathlib import Path

from infrastructure.ledger.copies import CheckpointCopies, checkpoint_line, read_copies
from infrastructure.ledger.port import SignedCheckpoint

AT = 1_700_000_000_000_000


def test_a_line_that_was_cut_short_takes_none_with_it(tmp_path: Path) -> None:
    copies = [SignedCheckpoint(size, AT + size, f"note {size}") for size in (1, 2, 3, 4)]
    CheckpointCopies(tmp_path).keep(copies[0], at_once=True)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    with file.open("ab") as torn:
        torn.write(checkpoint_line(copies[1])[:20])
    for copy in copies[2:]:
        CheckpointCopies(tmp_path).keep(copy, at_once=True)
    assert read_copies(tmp_path) == [copies[0], *copies[2:]]
    assert len(file.read_bytes().splitlines()) == 4
