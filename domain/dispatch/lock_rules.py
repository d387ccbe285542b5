"""Which function decides which command on locks."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch import (
    lock_checks,
    lock_force,
    lock_kept,
    lock_modes,
    lock_pools,
    lock_requests,
    lock_reservations,
    lock_transfer,
    locks,
    push_checks,
)
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
    commands.LetGoLocks: lock_kept.free_kept,
    commands.UpgradeLocks: lock_modes.upgrade,
    commands.DowngradeLocks: lock_modes.downgrade,
    commands.TransferLocks: lock_transfer.transfer,
    commands.AcceptLocks: lock_transfer.accept,
    commands.RevertTransfer: lock_transfer.revert,
    commands.BreakLocks: lock_force.break_locks,
    commands.LiftQuarantine: lock_force.lift,
    commands.ExpireLease: lock_force.expire,
    commands.PreemptLocks: lock_force.preempt,
    commands.CheckLocks: lock_checks.check,
    commands.CheckPush: push_checks.check,
    commands.CheckFence: lock_checks.check_fence,
    commands.ReserveLocks: lock_reservations.reserve,
    commands.EndReservation: lock_reservations.end_reservation,
    commands.SetPool: lock_pools.set_pool,
    commands.QuarantineMember: lock_pools.quarantine,
    commands.ReturnMember: lock_pools.give_back,
    commands.DescribePool: lock_pools.describe,
}
