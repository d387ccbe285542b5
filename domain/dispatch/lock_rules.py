"""Which function decides which command on locks."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch import lock_requests, locks
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.lock import commands

LOCK_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    commands.AcquireLocks: locks.acquire,
    commands.AwaitLocks: lock_requests.await_locks,
    commands.WithdrawLockRequest: lock_requests.leave,
    commands.TimeOutLockRequest: lock_requests.time_out,
    commands.ReleaseLocks: locks.give_back,
    commands.EndLockDelay: locks.end_delay,
}
