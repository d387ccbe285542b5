"""One event of a client, read into what all clients have in common."""

from signalbox.hook.reading import UnreadableError, is_list, is_object, object_of, text_in

CLIENTS = ("claude", "codex", "gemini")
TOOLS = {"claude": "claude-code", "codex": "codex", "gemini": "gemini"}
"""What a session says that it is."""
KINDS = {
    "BeforeTool": "PreToolUse",
    "AfterTool": "PostToolUse",
    "BeforeAgent": "UserPromptSubmit",
    "AfterAgent": "Stop",
    "PreCompress": "PreCompact",
}
"""Names that one client has for what the others call by the second."""
EDIT_TOOLS = frozenset({"Edit", "MultiEdit", "Write", "NotebookEdit", "write_file", "replace", "apply_patch"})
SHELL_TOOLS = frozenset({"Bash", "PowerShell", "run_shell_command"})
OWN_TOOLS = ("mcp__signalbox__", "mcp_signalbox_")
"""How clients begin the names of the tools of our own MCP server."""
PATCH_BEGINS = "*** Begin Patch"


class Event:
    """What happens, in whose session, and with which tool."""

    __slots__ = ("agent", "client", "cwd", "fields", "kind", "name", "process", "session", "tool")

    def __init__(self, client: str, fields: "dict[str, object]", environment: "dict[str, str]") -> None:
        self.client = client
        self.fields = fields
        self.name = text_in(fields, "hook_event_name")
        self.kind = KINDS.get(self.name, self.name)
        self.session = text_in(fields, "session_id")
        self.agent = text_in(fields, "agent_id")
        """The sub-agent; empty in the main one."""
        self.cwd = text_in(fields, "cwd")
        self.tool = text_in(fields, "tool_name")
        self.process = environment.get("CLAUDE_PID", "") if client == "claude" else ""
        """Of the client, where it says so: the same host session may be resumed by another process."""

    @property
    def input(self) -> "dict[str, object]":
        """The arguments of the tool."""
        value = self.fields.get("tool_input")
        return value if is_object(value) else {}

    @property
    def command(self) -> str:
        """The line of a shell tool, or a patch; a list is the words of a line."""
        value = self.input.get("command")
        if is_list(value):
            from shlex import join

            words = [str(word) for word in value]
            # A shell that is given a line: the line is what counts, patches in it included.
            if len(words) == 3 and words[1] in ("-c", "-lc"):
                return words[2]
            # Quoting would change the names in a patch.
            return " ".join(words) if any(PATCH_BEGINS in word for word in words) else join(words)
        return value if isinstance(value, str) else ""

    @property
    def call(self) -> str:
        """Which use of the tool it is about, where the client tells that at its end in any case; else empty."""
        # The others say nothing at the end of a tool that failed, or have no id.
        return text_in(self.fields, "tool_use_id") if self.client == "claude" else ""

    @property
    def is_own_tool(self) -> bool:
        return self.tool.startswith(OWN_TOOLS)


def event_of(client: str, text: str, environment: "dict[str, str]") -> Event:
    """The event of what a client wrote. Raises UnreadableError where it names no event or no session."""
    event = Event(client, object_of(text), environment)
    if not event.name:
        raise UnreadableError("it names no event")
    if not event.session:
        raise UnreadableError("it names no session")
    return event


def edited_paths(event: Event) -> list[str]:
    """The files that an edit tool is about to write, as it names them. Raises UnreadableError where it names none."""
    patch, paths = event.command, [text_in(event.input, name) for name in ("file_path", "notebook_path")]
    if PATCH_BEGINS in patch:
        from signalbox.hook.patch import patched_paths

        paths += patched_paths(patch)
    # All of them: which one the tool looks at is the client's affair.
    found = list(dict.fromkeys(path for path in paths if path))
    if not found:
        raise UnreadableError(f"{event.tool} names no file")
    return found
