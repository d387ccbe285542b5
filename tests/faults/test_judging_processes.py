"""Processes that verify a bundle do not outlive whoever asked for them."""

import signal
import subprocess
import sys

from infrastructure.bundle.judging import interrupts_for_this_one, pool_of
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


def test_whoever_verifies_hears_ctrl_c_alone_and_ends_the_others_without_their_traces() -> None:
    with pool_of(1) as pool:
        with interrupts_for_this_one():
            unheard = pool.submit(signal.pthread_sigmask, signal.SIG_BLOCK, ())
        assert signal.SIGINT in unheard.result(SECONDS_MAX)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
