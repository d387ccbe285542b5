"""Exit codes: stable, documented in docs/cli.md, the same for every command."""

from enum import IntEnum

from signalbox.client.errors import Refused, ServerFaultError, ServerUnavailable, SignalboxError


class Exit(IntEnum):
    """What a script may rely on."""

    OK = 0
    REFUSED = 1
    """The server, or a check made here, said no; the message says what to do next."""
    USAGE = 2
    """The command line itself is wrong."""
    UNAVAILABLE = 3
    """No server answered; whatever was asked may be asked again."""
    FAULT = 4
    """Something is broken that the caller cannot mend."""
    IN_VAIN = 5
    """Nothing moves any more, and not everything was done: tasks have failed or need a person."""
    INTERRUPTED = 130


def exit_of(error: SignalboxError) -> Exit:
    """The exit code that an error leads to."""
    match error:
        case Refused():
            return Exit.REFUSED
        case ServerUnavailable():
            return Exit.UNAVAILABLE
        case ServerFaultError():
            return Exit.FAULT
        case _:
            return Exit.FAULT
