"""Record the stored text of an event type: ``.venv/bin/python tests/golden/record.py task.planned.v1 < text.json``.

A text that was recorded before is kept under ``earlier/``: a type may get further fields with defaults, as long as rows
from before read as they were meant. Every field needs a value of its own in the text.
"""

import hashlib
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(name: str, text: bytes) -> None:
    file = HERE / "events" / f"{name}.json"
    if file.exists() and file.read_bytes() != text:
        earlier = HERE / "earlier"
        earlier.mkdir(exist_ok=True)
        number = 1 + len(list(earlier.glob(f"{name}@*.json")))
        (earlier / f"{name}@{number}.json").write_bytes(file.read_bytes())
    file.write_bytes(text)
    files = {one.stem: one for folder in ("events", "earlier") for one in (HERE / folder).glob("*.json")}
    lines = [f"{hashlib.sha256(files[stem].read_bytes()).hexdigest()}  {stem}\n" for stem in sorted(files)]
    (HERE / "index.txt").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.buffer.read().strip() + b"\n")
