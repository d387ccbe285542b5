"""Processes that verify a bundle do not outlive whoever asked for them."""

import subprocess
import sys

from tests.support.processes import alive
from tests.support.waiting import SECONDS_MAX, until

KILLED = """
import os, signal
from infrastructure.bundle.judging import pool_of
print(pool_of(1).submit(os.getpid).result(), flush=True)
signal.pause()
"""


def test_whoever_is_killed_while_verifying_leaves_no_process_behind() -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        worker = int(asking.stdout.readline())
        assert alive(worker)
        asking.kill()
        asking.wait(SECONDS_MAX)
        until(lambda: not alive(worker))
