"""What is decided when a credential pool is asked something."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch import quota
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.quota import commands

QUOTA_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    commands.ReportQuota: quota.report,
    commands.ResetQuota: quota.reset,
    commands.HalfOpenQuota: quota.half_open,
    commands.SettleQuotaProbe: quota.settle_probe,
    commands.MarkQuota: quota.mark,
}
