"""The tests' PostgreSQL is real, durable, private to its process and never outlives it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.postgres import Postgres, PostgresServer, PostgresUnavailableError, find_binaries, open_postgres
from tests.support.processes import alive
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]

ORPHAN = """
import sys
from tests.support.postgres import open_own_server
server = open_own_server()
print(server.pid, server.folder, flush=True)
sys.stdin.read()
"""


def test_each_test_has_a_fresh_empty_database(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row == (0,)


def test_durability_is_on(postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
        ).fetchall()
    assert dict(rows) == {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}


def test_a_template_is_prepared_once_and_copied(postgres_server: Postgres) -> None:
    prepared: list[str] = []

    def prepare(url: str) -> None:
        prepared.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE probe AS SELECT 7 AS answer")

    urls = [postgres_server.create_database(postgres_server.template("probe", prepare)) for _ in range(2)]
    assert len(prepared) == 1
    for url in urls:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT answer FROM probe").fetchone() == (7,)
        postgres_server.drop_database(url)


@pytest.mark.parametrize("immediate", [False, True])
def test_what_was_committed_survives_a_restart(postgres_own_server: PostgresServer, immediate: bool) -> None:
    url = postgres_own_server.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS answer")
    before = postgres_own_server.pid
    postgres_own_server.restart(immediate=immediate)
    assert postgres_own_server.pid != before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (1,)
    postgres_own_server.drop_database(url)


def test_a_killed_server_comes_back_with_what_was_committed(postgres_own_server: PostgresServer) -> None:
    url = postgres_own_server.create_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS answer")
    for _ in range(3):
        postgres_own_server.kill()
        assert not postgres_own_server.running
        postgres_own_server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (1,)
    postgres_own_server.drop_database(url)


def test_databases_are_made_and_dropped_also_after_somebody_cut_the_connections(
    postgres_own_server: PostgresServer,
) -> None:
    url = postgres_own_server.create_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    postgres_own_server.drop_database(url)


def test_a_wrong_password_is_refused(postgres_own_server: PostgresServer) -> None:
    stranger = f"postgresql://signalbox:guess@127.0.0.1:{postgres_own_server.port}/postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(stranger)


def test_the_unix_socket_answers_too(postgres_own_server: PostgresServer) -> None:
    with psycopg.connect(postgres_own_server.socket_url()) as connection:
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)


def test_the_server_ends_with_a_killed_test_process() -> None:
    orphan = subprocess.Popen([sys.executable, "-c", ORPHAN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    with orphan:
        assert orphan.stdout is not None
        pid_text, folder = orphan.stdout.readline().split()
        pid = int(pid_text)
        assert alive(pid)
        orphan.send_signal(signal.SIGKILL)
    until(lambda: not alive(pid))
    until(lambda: not Path(folder.decode()).exists())


def test_the_server_ends_with_its_supervisor(postgres_own_server: PostgresServer) -> None:
    """Two things watch, so that killing either of them leaves no server behind (the kernel's part is Linux only)."""
    if sys.platform != "linux":
        return
    server = PostgresServer(find_binaries())
    server.start()
    pid = server.pid
    supervisor = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    os.kill(int(supervisor), signal.SIGKILL)
    until(lambda: not alive(pid))
    assert not server.running
    server.close()
    assert postgres_own_server.running


def test_without_any_postgresql_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.postgres._candidates", lambda: iter(()))
    monkeypatch.delenv("SIGNALBOX_TEST_POSTGRES", raising=False)
    with pytest.raises(PostgresUnavailableError, match="make setup"):
        open_postgres()


def test_a_server_named_in_the_environment_is_used(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_TEST_POSTGRES", postgres_server.url())
    named = open_postgres()
    try:
        url = named.create_database()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        named.drop_database(url)
        with pytest.raises(PostgresUnavailableError, match="not ours to restart"):
            named.restart()
    finally:
        named.close()
