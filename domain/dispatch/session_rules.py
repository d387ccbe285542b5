"""What is decided when a session is asked something."""

from collections.abc import Mapping
from typing import Final

from domain.dispatch import drain, family, lose_session, open_session, signal
from domain.kernel.decisions import Decide
from domain.kernel.message import Command
from domain.session import commands

SESSION_DECISIONS: Final[Mapping[type[Command], Decide]] = {
    commands.OpenSession: open_session.open_session,
    commands.EndSession: lose_session.end,
    commands.SignalSession: signal.signal_session,
    commands.DrainSession: drain.drain,
    commands.UndrainSession: drain.undrain,
    commands.ReparentSession: family.reparent,
    commands.SuspectSession: lose_session.suspect,
    commands.RecoverSession: lose_session.recover,
    commands.LoseSession: lose_session.lose,
}
