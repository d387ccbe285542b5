"""What the operator may set: by argument, else by environment (`SIGNALBOX_…`, nested by `__`), else as it is here."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infrastructure.ledger.webhook_address import Target, read_target
from infrastructure.log.port import StoreKind
from projections.audit_ledger.cosignature import WitnessKey, read_witness_key
from projections.audit_ledger.note import NoteUnreadable

MEBIBYTE: Final = 1_048_576
SECRET_CHARACTERS_MIN: Final = 32
SQLITE_FILE: Final = "signalbox.db"
ARCHIVES_FOLDER: Final = "archives"
KEYS_FILE: Final = "subject-keys.db"
"""Seeds of the keys under which words are kept that may be erased; beside the file of the log."""


class HttpSettings(BaseModel):
    """Limits of the HTTP server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes_max: int = Field(default=MEBIBYTE, ge=1_024, le=64 * MEBIBYTE)
    plan_body_bytes_max: int = Field(default=8 * MEBIBYTE, ge=1_024, le=64 * MEBIBYTE)
    command_seconds_max: float = Field(default=10.0, gt=0, le=300)
    """Time for one command, on top of what it asked to wait."""
    requests_max: int = Field(default=4_096, ge=1, le=100_000)
    """Requests under way at once, waiting ones too; the next is answered that there are too many."""
    openapi: bool = False
    """Whether /v1/openapi.json describes the doors on FastAPI."""
    backlog: int = Field(default=2_048, ge=1, le=65_535)
    graceful_seconds_max: int = Field(default=10, ge=1, le=300)
    """How long a stop waits for requests that are under way."""


class CheckpointSettings(BaseModel):
    """Where copied checkpoints are handed on to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: bool = False
    """Whether the folder of copies, which lies in a git working tree, is committed: once a minute, and at a stop."""
    push_to: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,99})?$")
    """Name of a git remote that each commit is pushed to; empty: none."""

    webhook: str = ""
    """Https address that each copied checkpoint is posted to, one of ten seconds at most; empty: none."""
    webhook_private: bool = False
    """Whether that may be a machine that the internet does not reach, at any port; this machine without TLS as well."""

    witness: str = ""
    """Https address in front of ``/add-checkpoint`` of a witness that cosigns copied checkpoints; empty: none."""
    witness_key: str = Field(default="", max_length=500)
    """Its public key, ``name+hash+base64``."""
    witness_private: bool = False
    """The same as ``webhook_private``."""

    @property
    def cosigner(self) -> tuple[Target, WitnessKey] | None:
        """The witness by address and key."""
        if not self.witness:
            return None
        return read_target(self.witness, private=self.witness_private), read_witness_key(self.witness_key)

    @property
    def webhook_target(self) -> Target | None:
        """The address in its parts."""
        return read_target(self.webhook, private=self.webhook_private) if self.webhook else None

    @model_validator(mode="after")
    def _webhook_is_an_address(self) -> Self:
        _ = self.webhook_target
        return self

    @model_validator(mode="after")
    def _witness_is_known(self) -> Self:
        if bool(self.witness) != bool(self.witness_key) or "?" in self.witness:
            raise ValueError("a witness has an address without a query, and a key")
        try:
            _ = self.cosigner
        except NoteUnreadable as error:
            raise ValueError(str(error)) from error
        return self

    @model_validator(mode="after")
    def _pushed_is_committed(self) -> Self:
        if self.push_to and not self.commit:
            raise ValueError("what is pushed has to be committed: set commit as well")
        return self


class Settings(BaseSettings):
    """Everything that differs between one installation and another."""

    model_config = SettingsConfigDict(
        env_prefix="SIGNALBOX_", env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    data: Path = Path(".signalbox")
    """Folder of the store, the keys and the endpoint file."""
    store: str = "sqlite"
    """`sqlite` (a file in the data folder), `sqlite:///PATH`, `postgresql://…`, or `memory` (gone with the process)."""
    bind: str = "127.0.0.1:8420"
    """HOST:PORT; port 0 takes a free one."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(default=(), max_length=100)
    """Further names by which clients may call this server, without port; separated by commas in the environment."""
    allow_exposed: bool = False
    """Whether other machines may connect. Put TLS in front: keys travel with every request."""
    allow_unsafe_durability: bool = False
    """Whether to start on a store that may lose acknowledged work."""
    restored: bool = False
    """Whether the store was put back from a copy, or lost its end: tokens begin a new era, and all sessions end. Say it
    at one start only, the first one."""
    secret: SecretStr | None = None
    """Key of all digests, 32 characters or more; the same on every node of a store. Absent: a file in the folder."""
    hot_bytes_max: int = Field(default=64 * MEBIBYTE, ge=16 * MEBIBYTE, le=65_536 * MEBIBYTE)
    """Stored bytes of the tasks, sessions and lock spaces that are held ready for decisions; they take up to five
    times as much memory. What does not fit is read from the store again when it is needed."""
    checkpoint_copies: Path | None = None
    """Folder for copies of the ledger's signed checkpoints; absent: `checkpoints` in the data folder. Best where the
    database's administrators cannot write."""
    checkpoints: CheckpointSettings = CheckpointSettings()
    archives: Path | None = None
    """Folder for the bundles of archived ranges of the log; absent: `archives` in the data folder. Several servers of
    one database best share one."""
    archive_age_days_min: float = Field(default=30, ge=0, le=36_500)
    """Younger events are not archived. What is repeated, shown or judged of the last eight days needs its events."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    http: HttpSettings = HttpSettings()

    @property
    def host(self) -> str:
        """Address to listen on, without brackets."""
        return self.bind.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """Port to listen on; 0 is any free one."""
        return int(self.bind.rpartition(":")[2])

    @property
    def exposed(self) -> bool:
        """Whether other machines can reach the server."""
        return not _is_loopback(self.host)

    @property
    def store_kind(self) -> StoreKind:
        """Which store the log is kept in."""
        scheme = self.store.partition(":")[0]
        if scheme in ("postgresql", "postgres"):
            return "postgres"
        return "memory" if scheme == "memory" else "sqlite"

    @property
    def sqlite_file(self) -> Path:
        """Where the SQLite store lies."""
        path = self.store.partition(":///")[2]
        return Path(path) if path else self.data / SQLITE_FILE

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _bare_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if "*" in name or "/" in name or (":" in name and not name.startswith("[")):
                raise ValueError(f"{name!r} is not a bare host name")
        return tuple(name.lower() for name in value)

    @field_validator("bind")
    @classmethod
    def _bind_is_an_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise ValueError("bind is HOST:PORT, such as 127.0.0.1:8420 or [::1]:8420")
        return value

    @field_validator("store")
    @classmethod
    def _store_is_known(cls, value: str) -> str:
        if value in ("sqlite", "memory") or (value.startswith("sqlite:///") and value != "sqlite:///"):
            return value
        if urlsplit(value).scheme in ("postgresql", "postgres"):
            return value
        raise ValueError("store is sqlite, sqlite:///PATH, postgresql://… or memory")

    @field_validator("secret")
    @classmethod
    def _secret_is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_CHARACTERS_MIN:
            raise ValueError(f"the secret needs {SECRET_CHARACTERS_MIN} characters or more")
        return value

    @model_validator(mode="after")
    def _exposed_only_when_said(self) -> Self:
        if self.exposed and not self.allow_exposed:
            raise ValueError(
                f"{self.bind} lets other machines in; bind to 127.0.0.1, or say --allow-exposed and put TLS in front"
            )
        return self


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
