"""The files of a client that we write into, each as a text that ours can be added to and taken out of."""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol, cast

from api.cli.connect.clients import CodingClient, Scope
from api.cli.connect.settings_file import Data, connected, data_of, disconnected, text_of
from signalbox.client.errors import Refused

SERVER: Final = "signalbox"
"""Our name among a client's MCP servers: the hook knows our tools by it."""
_BEGINS: Final = "# >>> signalbox: written by `signalbox connect`, taken out by `signalbox disconnect`"
_ENDS: Final = "# <<< signalbox"
_BLOCK: Final = re.compile(rf"\n?{re.escape(_BEGINS)}\n.*?{re.escape(_ENDS)}\n", re.DOTALL)


class Document(Protocol):
    """One file; every method raises Refused where a text cannot be read as what it should be."""

    @property
    def file(self) -> Path: ...

    def with_ours(self, text: str | None) -> str:
        """The text with what we write, once; the same text where it is there already."""
        ...

    def without_ours(self, text: str) -> str:
        """The text without it; the same text where it is not there."""
        ...

    def is_same(self, text: str, other: str) -> bool:
        """Whether both say the same to the client."""
        ...


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """Settings in JSON."""

    file: Path
    join: Callable[[Data], Data]
    part: Callable[[Data], Data]

    def with_ours(self, text: str | None) -> str:
        data = data_of(text, str(self.file))
        wanted = self.join(data)
        return text if text is not None and wanted == data else text_of(wanted, text)

    def without_ours(self, text: str) -> str:
        data = data_of(text, str(self.file))
        rest = self.part(data)
        return text if rest == data else text_of(rest, text)

    def is_same(self, text: str, other: str) -> bool:
        return data_of(text, str(self.file)) == data_of(other, str(self.file))


@dataclass(frozen=True, slots=True)
class TomlDocument:
    """Settings in TOML, in which ours are a block between two comments at the end."""

    file: Path
    table: Mapping[str, object]

    def with_ours(self, text: str | None) -> str:
        rest = self.without_ours(text or "")
        servers = cast("dict[str, Any]", self._data(rest).get("mcp_servers") or {})
        if SERVER in servers:
            # Somebody wrote it by hand.
            return rest
        fields = "".join(f"{name} = {_toml(value)}\n" for name, value in self.table.items())
        return f"{rest}{self._gap(rest)}{_BEGINS}\n[mcp_servers.{SERVER}]\n{fields}{_ENDS}\n"

    def without_ours(self, text: str) -> str:
        return _BLOCK.sub("", text)

    def is_same(self, text: str, other: str) -> bool:
        return text == other

    def _gap(self, rest: str) -> str:
        return "" if not rest or rest.endswith("\n\n") else "\n" if rest.endswith("\n") else "\n\n"

    def _data(self, text: str) -> dict[str, Any]:
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            advice = "Mend it and connect again; nothing was written."
            raise Refused("settings_not_toml", f"{self.file} is not TOML: {error}", advice) from error


def documents_of(
    client: CodingClient, scope: Scope, root: Path, environment: Mapping[str, str], command: str, server: Data
) -> list[Document]:
    """The file with the hooks, and the one with the MCP server, which may be the same."""
    hooks = client.settings(scope, root, environment)
    if client.name == "gemini":
        return [
            JsonDocument(
                hooks,
                lambda data: _with_server(connected(data, client, command), server),
                lambda data: _without_server(disconnected(data, client)),
            )
        ]
    only_hooks = JsonDocument(
        hooks, lambda data: connected(data, client, command), lambda data: disconnected(data, client)
    )
    if client.name == "codex":
        return [only_hooks, TomlDocument(hooks.with_name("config.toml"), server)]
    file = root / ".mcp.json" if scope == "project" else _state_of_claude(environment)
    typed = {"type": "stdio", **server}
    return [only_hooks, JsonDocument(file, lambda data: _with_server(data, typed), _without_server)]


def _state_of_claude(environment: Mapping[str, str]) -> Path:
    """Where Claude Code keeps the MCP servers of a user, among much else: it writes the file whenever it runs."""
    said = environment.get("CLAUDE_CONFIG_DIR")
    return (Path(said) if said else Path.home()) / ".claude.json"


def mcp_server(data: str | None, project: str | None, *, portable: bool) -> Data:
    """How a client starts our MCP server."""
    beside = Path(sys.executable).with_name("signalbox")
    program = "signalbox" if portable or not beside.exists() else str(beside)
    server: Data = {"command": program, "args": ["mcp", *(["--data", data] if data else [])]}
    return server | ({"env": {"SIGNALBOX_PROJECT": project}} if project else {})


def _with_server(data: Data, server: Data) -> Data:
    servers = cast("Data", data.get("mcpServers") or {})
    if SERVER in servers and not _is_ours(servers[SERVER]):
        return data
    return {**data, "mcpServers": {**servers, SERVER: server}}


def _without_server(data: Data) -> Data:
    servers = data.get("mcpServers")
    if not isinstance(servers, dict) or not _is_ours(cast("Data", servers).get(SERVER)):
        return data
    rest = {name: value for name, value in cast("Data", servers).items() if name != SERVER}
    kept = {name: value for name, value in data.items() if name != "mcpServers"}
    return {**data, "mcpServers": rest} if rest else kept


def _is_ours(server: object) -> bool:
    said = cast("Data", server) if isinstance(server, dict) else {}
    arguments = cast("list[object]", said.get("args")) if isinstance(said.get("args"), list) else []
    return Path(str(said.get("command", ""))).stem == "signalbox" and arguments[:1] == ["mcp"]


def _toml(value: object) -> str:
    """Texts, lists of texts, and tables of texts; a JSON text is a TOML text, too."""
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in pairs) + " }"
    return json.dumps(value, ensure_ascii=False)
