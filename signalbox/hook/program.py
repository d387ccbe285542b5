"""One run of the hook: an event in, a verdict out, within its time whatever happens.

Strict: what should have been checked and could not be is refused. Observing: nothing is ever refused.
"""

import os
import sys
from _thread import start_new_thread
from time import sleep

from signalbox.hook.event import Event, event_of
from signalbox.hook.guard import is_known, wanted_by
from signalbox.hook.memory import cache_folder, memory_of
from signalbox.hook.options import USAGE, WORKTREE_SECONDS, BadOptionsError, Options, options_of
from signalbox.hook.reading import stdin_text
from signalbox.hook.verdict import SILENCE, Verdict, refused, warned

LONG = ("WorktreeCreate", "WorktreeRemove")


class Run:
    """What is known so far, for whoever has to end it at the deadline."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.event: Event | None = None

    @property
    def decides(self) -> bool:
        """Whether an edit, or a folder to edit in, may hang on this run; unknown events are taken for the worst."""
        return self.event is None or self.event.kind in ("PreToolUse", "WorktreeCreate")

    def failed(self, why: str) -> Verdict:
        """The verdict where there could be none."""
        advice = "see that the server runs (`signalbox status`), then repeat; `signalbox doctor` tells what is broken"
        words = f"signalbox: this cannot be checked: {why}\nnext: {advice}"
        return refused(words) if self.options.strict and self.decides else warned(self.event, words)


def main(arguments: list[str]) -> None:
    """Read the event, say the verdict, end the process."""
    environment = dict(os.environ)
    if "--help" in arguments:
        _end(Verdict(0, f"usage: {USAGE}\n", ""))
    try:
        run = Run(options_of(arguments, environment))
    except BadOptionsError as error:
        _end(Verdict(0 if "--observe" in arguments else 2, "", f"signalbox: {error}"))
        return
    start_new_thread(_guard_time, (run,))
    try:
        run.event = event_of(run.options.client, stdin_text(), environment)
        _guard_searches(run)
        verdict = judged(run.event, run.options, environment)
    except Exception as error:
        verdict = run.failed(_told(error))
    _end(verdict)


def judged(event: Event, options: Options, environment: "dict[str, str]") -> Verdict:
    """The verdict on one event. Raises whatever keeps it from being found."""
    if event.kind != "PreToolUse":
        from signalbox.hook.moments import moment

        return moment(event, options, environment)
    if event.is_own_tool:
        from signalbox.hook.moments import introduced

        return introduced(event, options, environment)
    wanted = wanted_by(event, options, environment)
    if wanted.is_nothing:
        return SILENCE
    memory = memory_of(cache_folder(environment), event.client, event.session, event.agent)
    if is_known(wanted, memory, event, options):
        memory.count()
        return SILENCE
    from signalbox.hook.moments import checked

    return checked(wanted, event, options, environment)


def _guard_time(run: Run) -> None:
    seconds = run.options.seconds
    sleep(seconds)
    if run.event is not None and run.event.kind in LONG:
        # Git takes its time over large trees.
        sleep(max(0, WORKTREE_SECONDS - seconds))
        seconds = WORKTREE_SECONDS
    _end(run.failed(f"it took longer than {seconds} s"))


def _guard_searches(run: Run) -> None:
    """A search by a regular expression lets no other thread work, but looks for signals."""
    if run.event is None or run.event.kind in LONG:
        return
    # Not `signal`, which loads `enum` first.
    signals = __import__("_signal")
    if hasattr(signals, "setitimer"):
        seconds = run.options.seconds

        def end(_: int, __: object) -> None:
            _end(run.failed(f"it took longer than {seconds} s"))

        signals.signal(signals.SIGALRM, end)
        signals.setitimer(signals.ITIMER_REAL, seconds)


def _told(error: Exception) -> str:
    return str(error) or type(error).__name__


def _end(verdict: Verdict) -> None:
    """Say it and go, without the tidying of an interpreter, which takes longer than most verdicts."""
    for descriptor, text in ((1, verdict.out), (2, verdict.err)):
        content = text.encode(errors="replace")
        try:
            while content:
                content = content[os.write(descriptor, content) :]
        except OSError:
            # Nobody listens any more; the exit code still counts.
            continue
    sys.stdout.flush()
    os._exit(verdict.code)
