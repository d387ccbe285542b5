"""Verdicts in the form that each client understands; none of them gets a field that it does not know."""

from signalbox.hook.event import Event

REFUSED = 2


class Verdict:
    """How the process ends: its exit code, and what stands on its two outputs."""

    __slots__ = ("code", "err", "out")

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err


SILENCE = Verdict(0, "", "")
"""No opinion: the client goes on as if nobody had been asked."""


def refused(words: str) -> Verdict:
    """All three clients read exit code 2 with a reason on standard error, and nothing else."""
    return Verdict(REFUSED, "", words.strip() + "\n" if words.strip() else "signalbox: refused\n")


def warned(event: Event | None, words: str) -> Verdict:
    """Nothing is refused; whoever can hear it is told."""
    return Verdict(0, "", words + "\n") if event is None else Verdict(0, told(event, words).out, words + "\n")


def told(event: Event, words: str) -> Verdict:
    """Context for the model, where the client takes any at this event; else nothing."""
    if not words or event.name not in _TAKES_CONTEXT[event.client]:
        return SILENCE
    return _json({"hookSpecificOutput": {"hookEventName": event.name, "additionalContext": words}})


def begun_with(event: Event, words: str, watched: "list[str]") -> Verdict:
    """Context at the start, and the files of which the client shall tell when they change, where it can."""
    if event.client != "claude" or not watched:
        return told(event, words)
    answer = {"hookEventName": event.name, "additionalContext": words, "watchPaths": watched}
    return _json({"hookSpecificOutput": answer})


def with_input(event: Event, arguments: "dict[str, object]") -> Verdict:
    """The call goes on with these arguments, all of them."""
    if event.client == "gemini":
        return _json({"hookSpecificOutput": {"hookEventName": event.name, "tool_input": arguments}})
    # Codex drops changed arguments that come without a permission.
    answer = {"hookEventName": event.name, "permissionDecision": "allow", "updatedInput": arguments}
    return _json({"hookSpecificOutput": answer})


_TAKES_CONTEXT = {
    "claude": frozenset(
        {"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure", "SubagentStart"}
    ),
    "codex": frozenset({"SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "SubagentStart"}),
    "gemini": frozenset({"SessionStart", "BeforeAgent", "AfterTool"}),
}


def _json(content: object) -> Verdict:
    from json import dumps

    return Verdict(0, dumps(content), "")
