"""Keys, settings and the data folder: secrets stay private, wrong settings are refused at the start."""

import errno
import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from domain.kernel.ids import Instant, PrincipalId, ProjectId
from domain.principal.allow import Principal
from domain.principal.commands import Role
from domain.principal.events import KeyIssued, KeyRevoked
from infrastructure.keys import KEY_LENGTH, Keys, key_of
from infrastructure.local import (
    UnsafeDataFolderError,
    local_key,
    prepare_data_folder,
    publish_endpoint,
    server_secret,
    withdraw_endpoint,
)
from infrastructure.settings import HttpSettings, Settings

NOW = Instant(1_000_000)


def issued(
    digest: str, role: Role = "admin", projects: tuple[str, ...] = (), expires_at: Instant | None = None
) -> KeyIssued:
    return KeyIssued(name="a key", role=role, projects=projects, digest=digest, expires_at=expires_at, at=NOW)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_opens_after_it_was_issued_and_never_after_it_was_revoked() -> None:
    keys = Keys(b"s" * 32)
    key, digest, secret = keys.mint()
    assert keys.authenticate(secret, NOW) is None
    keys.observe(key, issued(digest, "worker", ("proj_a",)))
    principal = keys.authenticate(secret, NOW)
    assert principal is not None
    assert principal == Principal(PrincipalId(key), "worker", frozenset({ProjectId("proj_a")}), human=False)
    keys.observe(key, KeyRevoked(at=NOW))
    assert keys.authenticate(secret, NOW) is None
    keys.observe(key, issued(digest, "worker", ("proj_a",)))
    assert keys.authenticate(secret, NOW) is None, "a page of the log that is read once more revives nothing"


def test_an_expired_key_opens_nothing_from_the_very_instant() -> None:
    keys = Keys(b"s" * 32)
    key, digest, secret = keys.mint()
    keys.observe(key, issued(digest, expires_at=NOW))
    assert keys.authenticate(secret, Instant(NOW - 1)) is not None
    assert keys.authenticate(secret, NOW) is None


def test_every_changed_character_of_a_key_is_refused() -> None:
    keys = Keys(b"s" * 32)
    key, digest, secret = keys.mint()
    keys.observe(key, issued(digest))
    assert len(secret) == KEY_LENGTH
    for place in range(KEY_LENGTH):
        other = secret[:place] + ("a" if secret[place] != "a" else "b") + secret[place + 1 :]
        assert keys.authenticate(other, NOW) is None
    assert keys.authenticate(secret.upper(), NOW) is None
    assert keys.authenticate(secret + "\n", NOW) is None
    assert keys.authenticate("", NOW) is None
    assert keys.authenticate("é" * KEY_LENGTH, NOW) is None


def test_a_well_formed_key_with_another_secret_part_is_refused() -> None:
    keys = Keys(b"s" * 32)
    key, digest, _ = keys.mint()
    keys.observe(key, issued(digest))
    stranger = Keys(b"s" * 32)
    other = stranger.mint()
    keys.observe(other.key, issued("0" * 64))
    assert keys.authenticate(other.secret, NOW) is None


def test_a_digest_says_nothing_without_the_secret_of_the_server() -> None:
    secret = Keys(b"s" * 32).mint().secret
    assert Keys(b"s" * 32).digest(secret) != Keys(b"t" * 32).digest(secret)


def test_the_data_folder_and_its_files_are_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / ".signalbox"
    folder.parent.mkdir()
    folder.mkdir(mode=0o755)
    prepare_data_folder(folder)
    secret = server_secret(folder)
    key = local_key(folder, Keys(secret).mint)
    publish_endpoint(folder, "http://127.0.0.1:1")
    assert mode(folder) == 0o700
    assert {mode(folder / name) for name in ("secret", "local.key", "server.json")} == {0o600}
    assert (folder / ".gitignore").read_text() == "*\n"
    assert key_of(key) is not None
    assert not [path for path in folder.iterdir() if path.name.startswith(".") and path.name != ".gitignore"]


def test_a_folder_that_a_full_disk_or_a_kill_left_half_made_is_made_whole(tmp_path: Path) -> None:
    ignored = tmp_path / ".gitignore"
    ignored.touch()
    prepare_data_folder(tmp_path)
    assert ignored.read_text() == "*\n", "else its keys would be committed"
    ignored.write_text("# shared on purpose\n")
    prepare_data_folder(tmp_path)
    assert ignored.read_text() == "# shared on purpose\n"


def test_a_full_disk_leaves_nothing_half_written_and_says_which_file_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_endpoint(tmp_path, "http://127.0.0.1:1")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("infrastructure.local.os.fsync", full)
    with pytest.raises(OSError, match=r"server\.json") as told:
        publish_endpoint(tmp_path, "http://127.0.0.1:2")
    assert told.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match=r"local\.key"):
        local_key(tmp_path, Keys(b"s" * 32).mint)
    assert [path.name for path in tmp_path.iterdir()] == ["server.json"]
    assert json.loads((tmp_path / "server.json").read_text())["url"] == "http://127.0.0.1:1"


def test_a_second_start_finds_the_same_secrets(tmp_path: Path) -> None:
    secret = server_secret(tmp_path)
    key = local_key(tmp_path, Keys(secret).mint)
    (tmp_path / "local.key").chmod(0o644)
    assert server_secret(tmp_path) == secret
    assert len(secret) >= 64
    assert local_key(tmp_path, Keys(secret).mint) == key
    assert mode(tmp_path / "local.key") == 0o600


def test_a_damaged_file_stops_the_start_and_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(UnsafeDataFolderError, match="empty"):
        server_secret(tmp_path)
    (tmp_path / "local.key").write_text("sbx_cut")
    with pytest.raises(UnsafeDataFolderError, match="no key"):
        local_key(tmp_path, Keys(b"s").mint)
    assert (tmp_path / "local.key").read_text() == "sbx_cut"


def test_an_endpoint_is_withdrawn_only_by_the_process_that_published_it(tmp_path: Path) -> None:
    publish_endpoint(tmp_path, "http://127.0.0.1:1")
    file = tmp_path / "server.json"
    mine = json.loads(file.read_text())
    file.write_text(json.dumps(mine | {"pid": mine["pid"] + 1}))
    withdraw_endpoint(tmp_path)
    assert file.exists()
    publish_endpoint(tmp_path, "http://127.0.0.1:2")
    assert json.loads(file.read_text())["url"] == "http://127.0.0.1:2"
    withdraw_endpoint(tmp_path)
    assert not file.exists()
    withdraw_endpoint(tmp_path)


def test_settings_come_from_the_environment_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_BIND", "[::1]:9000")
    monkeypatch.setenv("SIGNALBOX_ALLOWED_HOSTS", "Box.example, other.example")
    monkeypatch.setenv("SIGNALBOX_HTTP__BACKLOG", "7")
    settings = Settings(store="postgresql://db/x")
    assert (settings.host, settings.port, settings.exposed) == ("::1", 9000, False)
    assert settings.allowed_hosts == ("box.example", "other.example")
    assert settings.http.backlog == 7
    assert settings.store_kind == "postgres"
    assert Settings(bind="localhost:0").port == 0


def test_the_store_is_a_file_in_the_data_folder_unless_said_otherwise() -> None:
    assert Settings(data=Path("d")).sqlite_file == Path("d/signalbox.db")
    assert Settings(store="sqlite:////var/x.db").sqlite_file == Path("/var/x.db")
    assert [Settings(store=name).store_kind for name in ("sqlite", "memory", "postgres://h/d")] == [
        "sqlite",
        "memory",
        "postgres",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bind": "0.0.0.0:8420"},
        {"bind": "box.example:8420"},
        {"bind": "8420"},
        {"bind": "127.0.0.1:http"},
        {"bind": "127.0.0.1:70000"},
        {"store": "mysql://x"},
        {"store": "sqlite:///"},
        {"allowed_hosts": "*"},
        {"allowed_hosts": "box.example:80"},
        {"secret": "short"},
        {"http": {"backlogg": 1}},
        {"http": {"backlog": 0}},
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(wrong)


def test_an_exposed_bind_has_to_be_asked_for() -> None:
    with pytest.raises(ValidationError, match="allow-exposed"):
        Settings(bind="0.0.0.0:8420")
    assert Settings(bind="0.0.0.0:8420", allow_exposed=True).exposed


def test_the_secret_is_not_shown_by_accident() -> None:
    settings = Settings(secret=SecretStr("very-secret-" * 4), http=HttpSettings())
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in str(settings.model_dump())
