"""A process that appends to a SQLite log and says so on standard output, until it is killed."""

import sys
from itertools import count
from pathlib import Path

from infrastructure.log.port import Appended
from infrastructure.log.sqlite import SqliteLog
from tests.contracts.groups import NOW, member


def main(path: str) -> None:
    log = SqliteLog(Path(path))
    for number in count(1):
        group = [member(f"c{number}-{part}", (f"task_{number}", part)) for part in range(1, 4)]
        results = log.append(group, now=NOW + number)
        if all(isinstance(result, Appended) for result in results):
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
