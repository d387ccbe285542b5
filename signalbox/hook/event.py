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
        """The line of a shell tool, or a patch; a list of words is joined."""
        value = self.input.get("command")
        if is_list(value):
            return " ".join(str(word) for word in value)
        return value if isinstance(value, str) else ""

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
    patch = event.command
    if PATCH_BEGINS in patch:
        from signalbox.hook.patch import patched_paths

        return patched_paths(patch)
    for field in ("file_path", "notebook_path"):
        path = text_in(event.input, field)
        if path:
            return [path]
    raise UnreadableError(f"{event.tool} names no file")
