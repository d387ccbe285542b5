"""Connecting a coding client in a scratch home: shown, written, tried out by the doctor, taken back byte for byte."""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from api.cli.connect.changes import planned, take_back, undone, write
from api.cli.connect.clients import CODING_CLIENTS, hook_command
from api.cli.connect.documents import Document, documents_of, mcp_server
from api.cli.connect.examining import State, version_finding
from api.cli.connect.guard_trial import guard_findings
from api.cli.connect.settings_file import connected, disconnected, handlers_in, text_of
from api.cli.terminal import Terminal
from signalbox.client.errors import Refused
from tests.support.command_line import CommandLine, Ran, end
from tests.support.hooks import git, repository

CLIENTS = tuple(CODING_CLIENTS)
PATIENT = ("--seconds", "60")
"""A busy machine may take longer than a person would wait."""
OTHERS: dict[str, Any] = {
    "model": "opus",
    "hooks": {
        "PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "theirs"}]}],
        "BeforeTool": [{"matcher": ".*", "hooks": [{"type": "command", "command": "theirs"}]}],
    },
}


@dataclass
class Home:
    """A repository below a running server's folder, and a user with a home of his own."""

    line: CommandLine
    home: Path
    root: Path

    def __call__(self, *arguments: str, code: int = 0) -> Ran:
        return self.line(*arguments, code=code)

    def file(self, client: str) -> Path:
        chosen = CODING_CLIENTS[client]
        return self.root / chosen.folder / chosen.file

    def trust(self) -> None:
        """As Codex keeps it once a person has reviewed the hooks."""
        config = self.home / ".codex" / "config.toml"
        config.parent.mkdir(exist_ok=True)
        key = f"{self.file('codex')}:pre_tool_use:0:0"
        config.write_text(f'[hooks.state."{key}"]\ntrusted_hash = "sha256:00"\n')


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("connect")
    line = CommandLine(folder)
    process = line.serve()
    line("project", "create", "shop")
    yield folder
    end(process)


@pytest.fixture
def home(served: Path, tmp_path: Path) -> Home:
    mine = tmp_path / "home"
    mine.mkdir()
    root = repository(served / tmp_path.name)
    environment = {"HOME": str(mine), "XDG_STATE_HOME": str(mine / "state"), "XDG_CACHE_HOME": str(mine / "cache")}
    return Home(CommandLine(root, environment), mine, root)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_is_connected_found_enforced_and_disconnected_byte_for_byte(home: Home, name: str) -> None:
    file = home.file(name)
    file.parent.mkdir()
    before = json.dumps(OTHERS, indent=3).encode() + b"\n\n"
    file.write_bytes(before)
    home.trust()
    home("connect", name, "--yes", *PATIENT)
    handler = handlers_in(json.loads(file.read_bytes()), CODING_CLIENTS[name].edit_event)[-1]
    assert handler["timeout"] == 67 * CODING_CLIENTS[name].timeout_factor
    assert json.loads(file.read_bytes())["model"] == "opus"
    told = home("doctor", name, "--json").json
    assert told["clients"][name]["state"] == "enforced", told
    home("disconnect", name, "--yes")
    assert file.read_bytes() == before


def test_a_change_is_shown_and_not_written_unless_it_is_confirmed(home: Home) -> None:
    shown = home("connect", "claude", code=1)
    assert not home.file("claude").exists()
    assert "+++" in shown.out
    assert "hook" in shown.out


def test_the_doctor_tells_who_only_observes_who_is_not_connected_and_what_is_broken(home: Home) -> None:
    home("connect", "claude", "--observe", "--yes", *PATIENT)
    home("connect", "codex", "--yes", *PATIENT)
    told = home("doctor", "--json", code=1).json
    states = {name: one["state"] for name, one in told["clients"].items()}
    assert states == {"claude": "observed only", "codex": "broken", "gemini": "not connected"}
    assert any("/hooks" in one["mend"] for one in told["clients"]["codex"]["findings"])
    file = home.file("claude")
    file.write_text(file.read_text().replace("--observe", "").replace("signalbox/hook/", "gone/signalbox/hook/"))
    words = home("doctor", "claude", code=1).out
    assert "Claude Code: broken" in words
    assert "a free file was refused, too" in words


def test_the_doctor_goes_on_where_there_is_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    terminal = Terminal(server_url=None, api_key=None, data_folder=None, as_json=True)
    state, findings = guard_findings(tmp_path, terminal)
    assert (state, [one.good for one in findings]) == (State.ABSENT, [None])


def test_the_doctor_tries_the_git_guard_out_with_a_commit_of_a_locked_file(home: Home) -> None:
    def guard(code: int = 0) -> tuple[str, str]:
        told = home("doctor", "gemini", "--json", code=code).json["guard"]
        return told["state"], " ".join(one["words"] for one in told["findings"])

    assert guard()[0] == "not connected"
    before = git(home.root, "status", "--porcelain")
    home("git-guard", "install")
    state, words = guard()
    assert state == "enforced", words
    assert "one of one's own was not" in words
    home("git-guard", "install", "--mode", "observe")
    assert guard()[0] == "observed only"
    script = home.root / ".git" / "hooks" / "pre-commit"
    script.chmod(0o644)
    state, words = guard(code=1)
    assert (state, "git passes over it" in words) == ("broken", True)
    assert git(home.root, "status", "--porcelain") == before


@pytest.mark.parametrize(
    ("name", "said", "good", "words"),
    [
        ("claude", "2.1.84 (Claude Code)", True, ""),
        ("claude", "2.1.70 (Claude Code)", None, "before 2.1.84"),
        ("codex", "codex-cli 0.118.0", False, "before 0.119.0"),
        ("codex", "codex-cli 0.130.0-alpha.2", None, "before 0.136.0"),
        ("codex", "codex-cli 1.0.0", True, ""),
        ("gemini", "0.25.9", False, "before 0.26.0"),
        ("gemini", "who knows", None, "who knows"),
    ],
)
def test_the_doctor_knows_which_version_of_a_client_does_what(
    name: str, said: str, good: bool | None, words: str
) -> None:
    finding = version_finding(CODING_CLIENTS[name], f"/bin/{name}", said)
    assert (finding.good, words in finding.words) == (good, True)


def test_settings_of_a_worktree_speak_of_the_repository_that_all_its_worktrees_share(home: Home) -> None:
    copy = home.root.with_name(f"{home.root.name}-copy")
    git(home.root, "worktree", "add", "-q", str(copy))
    line = CommandLine(copy, home.line.environment)
    line("connect", "claude", "--yes", "--project", "shop", *PATIENT)
    assert line("doctor", "claude", "--json").json["clients"]["claude"]["state"] == "enforced"


@dataclass(frozen=True)
class Settings:
    """The files of a client, connected without a command line."""

    root: Path
    environment: dict[str, str]

    @property
    def file(self) -> Path:
        return self.root / ".claude" / "settings.json"

    def documents(self, client: str) -> list[Document]:
        command, server = hook_command(client, [], portable=True), mcp_server(None, "shop", portable=True)
        return documents_of(CODING_CLIENTS[client], "project", self.root, self.environment, command, server)

    def connect(self, client: str = "claude") -> bool:
        """Whether that changed anything."""
        changes = [planned(document, self.environment) for document in self.documents(client)]
        changed = [change for change in changes if not change.is_nothing]
        for change in changed:
            write(change, self.environment)
        return bool(changed)

    def disconnect(self, client: str = "claude") -> bool:
        changes = [undone(document, self.environment) for document in reversed(self.documents(client))]
        for change in changes:
            take_back(change, self.environment)
        return any(not change.is_nothing for change in changes)

    def begin(self, before: bytes) -> None:
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "a" / "b", {"XDG_STATE_HOME": str(tmp_path / "state")})


def test_what_was_not_there_is_gone_again(settings: Settings) -> None:
    assert settings.connect()
    assert json.loads((settings.root / ".mcp.json").read_bytes())["mcpServers"]["signalbox"]["args"] == ["mcp"]
    assert settings.file.exists()
    assert settings.disconnect()
    assert not settings.root.parent.exists()


@pytest.mark.parametrize("before", [b"", b"{}", b'{"hooks": {}}', b'{"hooks":{"Stop":[]},"x":"\\u00e9"}', b"\t{ }\n\n"])
def test_connecting_twice_changes_nothing_and_disconnecting_leads_back(settings: Settings, before: bytes) -> None:
    settings.begin(before)
    assert settings.connect()
    assert not settings.connect()
    assert settings.disconnect()
    assert settings.file.read_bytes() == before
    assert not settings.disconnect()
    assert settings.file.read_bytes() == before


def test_the_tools_of_a_user_are_entered_where_claude_code_keeps_them_and_taken_out_again(tmp_path: Path) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path / "state"), "CLAUDE_CONFIG_DIR": str(tmp_path)}
    state = tmp_path / ".claude.json"
    before = b'{\n  "numStartups": 3,\n  "projects": {"/a": {"hasTrustDialogAccepted": true}}\n}'
    state.write_bytes(before)
    state.chmod(0o600)

    def documents() -> list[Document]:
        server = mcp_server(None, None, portable=True)
        return documents_of(CODING_CLIENTS["claude"], "user", tmp_path, environment, "signalbox hook claude", server)

    def disconnect() -> None:
        for document in reversed(documents()):
            take_back(undone(document, environment), environment)

    for document in documents():
        write(planned(document, environment), environment)
    told = json.loads(state.read_bytes())
    assert told["mcpServers"] == {"signalbox": {"type": "stdio", "command": "signalbox", "args": ["mcp"]}}
    assert state.stat().st_mode & 0o777 == 0o600
    disconnect()
    assert state.read_bytes() == before
    for document in documents():
        write(planned(document, environment), environment)
    # The client has written it meanwhile: what it wrote stays, ours goes.
    state.write_text(json.dumps(json.loads(state.read_bytes()) | {"numStartups": 4}))
    disconnect()
    assert json.loads(state.read_bytes()) == json.loads(before) | {"numStartups": 4}


def test_a_link_to_settings_elsewhere_stays_a_link(settings: Settings) -> None:
    elsewhere = settings.root.parent.parent / "elsewhere.json"
    settings.file.parent.mkdir(parents=True)
    settings.file.symlink_to(elsewhere)
    assert settings.connect()
    assert elsewhere.exists()
    assert settings.disconnect()
    assert settings.file.is_symlink()
    assert not elsewhere.exists()


def test_what_is_written_while_a_change_is_shown_is_not_overwritten(settings: Settings) -> None:
    settings.begin(b"{}")
    change = planned(settings.documents("claude")[0], settings.environment)
    settings.file.write_bytes(b'{"theme": "dark"}')
    with pytest.raises(Refused, match="changed meanwhile"):
        write(change, settings.environment)
    settings.connect()
    change = undone(settings.documents("claude")[0], settings.environment)
    settings.file.write_bytes(b'{"theme": "light"}')
    with pytest.raises(Refused, match="changed meanwhile"):
        take_back(change, settings.environment)
    assert settings.file.read_bytes() == b'{"theme": "light"}'


def test_what_others_wrote_in_between_stays(settings: Settings) -> None:
    settings.connect()
    data = json.loads(settings.file.read_bytes())
    settings.file.write_text(json.dumps(data | {"theme": "dark"}))
    assert not settings.connect()
    assert settings.disconnect()
    assert json.loads(settings.file.read_bytes()) == {"theme": "dark"}


def test_an_older_entry_of_ours_is_replaced(settings: Settings) -> None:
    client = CODING_CLIENTS["claude"]
    settings.file.parent.mkdir(parents=True)
    settings.file.write_text(
        json.dumps(connected(OTHERS, client, hook_command("claude", ["--observe"], portable=False)))
    )
    assert settings.connect()
    assert "--observe" not in settings.file.read_text()
    settings.disconnect()
    assert json.loads(settings.file.read_bytes()) == OTHERS


@pytest.mark.parametrize("before", [None, "", "# mine", 'model = "o"\n\n[features]\nhooks = true\n'])
def test_the_server_in_toml_is_a_block_of_its_own(settings: Settings, before: str | None) -> None:
    config = settings.root / ".codex" / "config.toml"
    if before is not None:
        config.parent.mkdir(parents=True)
        config.write_text(before)
    assert settings.connect("codex")
    table = tomllib.loads(config.read_text())
    assert table["mcp_servers"]["signalbox"]["env"] == {"SIGNALBOX_PROJECT": "shop"}
    assert not settings.connect("codex")
    config.write_text(config.read_text() + "[later]\nx = 1\n")
    assert settings.disconnect("codex")
    assert config.read_text().rstrip("\n") == ((before or "").rstrip("\n") + "\n[later]\nx = 1").strip("\n")


def test_a_server_that_somebody_wrote_by_hand_stays(settings: Settings) -> None:
    by_hand = {"mcpServers": {"signalbox": {"type": "http", "url": "http://127.0.0.1:8420/mcp"}}}
    settings.root.mkdir(parents=True)
    (settings.root / ".mcp.json").write_text(json.dumps(by_hand))
    settings.connect()
    settings.disconnect()
    assert json.loads((settings.root / ".mcp.json").read_text()) == by_hand


@pytest.mark.parametrize("content", [b"{ // a comment\n}", b"[]", b"\xff"])
def test_settings_that_cannot_be_read_are_left_alone(settings: Settings, content: bytes) -> None:
    settings.begin(content)
    with pytest.raises(Refused):
        settings.connect()
    assert settings.file.read_bytes() == content


@pytest.mark.parametrize("name", CLIENTS)
def test_entries_of_ours_are_known_however_they_are_written_and_others_are_not(name: str) -> None:
    client = CODING_CLIENTS[name]
    for portable in (True, False):
        data = connected(OTHERS, client, hook_command(name, ["--project=a b"], portable=portable))
        for event in {group.event for group in client.groups}:
            assert any(client.is_ours(one) for one in handlers_in(data, event))
        assert disconnected(data, client) == OTHERS
    assert client.is_ours({"command": "signalbox", "args": ["hook", name]})
    assert not client.is_ours({"command": f"echo signalbox hook-{name}"})
    assert not client.is_ours({"command": "it's"})
    assert text_of(OTHERS, None).endswith("}\n")
