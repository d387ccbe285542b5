"""A real server in a process of its own that tests kill, stop and start again on the same data."""

import multiprocessing.process
import os
import signal
import socket
import sys
import time
from pathlib import Path

import orjson

from tests.support.patience import read_patiently
from tests.support.waiting import SECONDS_MAX, START_SECONDS_MAX
from tests.support.warm_processes import process_of


def serve_until_killed(data: str, store: str, secret: str, graphql: bool, port: int) -> None:
    """What the child does: the composition and the doors as they are, on the port, or on one of its own for 0."""
    from api.app import create_app
    from api.composition.server import running
    from api.edge import Edge
    from api.http.server import run, serve
    from infrastructure.local import publish_endpoint
    from infrastructure.settings import Settings

    read_patiently()
    told = (Path(data) / "server.log").open("a", buffering=1)
    os.dup2(told.fileno(), sys.stdout.fileno())
    os.dup2(told.fileno(), sys.stderr.fileno())
    settings = Settings.model_validate(
        {"data": data, "store": store, "secret": secret, "bind": f"127.0.0.1:{port}", "log_format": "json"}
    )

    async def main() -> None:
        async with running(settings) as services:
            edge = Edge(services)
            asked = None
            if graphql:
                from api.graphql.app import create_graphql_app

                asked = create_graphql_app(services, edge)

            def started(url: str) -> None:
                services.health.announce(url)
                publish_endpoint(settings.data, url)

            await serve(create_app(services, graphql=asked, settings=settings, edge=edge), settings, started=started)

    run(main)


class ServerProcess:
    """One server on one data folder. ``start`` and ``kill`` as often as one likes."""

    def __init__(
        self, data: Path, store: str, secret: str = "s" * 32, *, graphql: bool = False, steady: bool = False
    ) -> None:
        """``steady`` is for clients that look for the server once: it comes back where it was."""
        self._data = data
        self._store = store
        self._secret = secret
        self._graphql = graphql
        self._process: multiprocessing.process.BaseProcess | None = None
        self._kept = _kept_port() if steady else None
        self.url = ""
        data.mkdir(exist_ok=True)

    @property
    def key(self) -> str:
        """The owner's key, as the server wrote it."""
        return (self._data / "local.key").read_text().strip()

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it takes connections."""
        port = self._kept.getsockname()[1] if self._kept else 0
        process = process_of(serve_until_killed, str(self._data), self._store, self._secret, self._graphql, port)
        self._process = process
        process.start()
        ends_at = time.monotonic() + START_SECONDS_MAX
        while (url := self._published()) is None:
            assert process.is_alive(), self.log()
            assert time.monotonic() < ends_at, self.log()
            time.sleep(0.01)
        self.url = url

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.join()
        self._process.close()
        self._process = None

    def stop(self) -> None:
        """SIGTERM, and the end it should come to."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGTERM)
        self._process.join(SECONDS_MAX)
        code = self._process.exitcode
        if code is None:
            self.kill()
        assert code == 0, f"ended with {code}\n{self.log()}"
        self._process = None

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Nothing is left behind, whatever the test did."""
        if self._process is not None:
            self.kill()
        if self._kept is not None:
            self._kept.close()

    def log(self) -> str:
        """The end of what it said."""
        return (self._data / "server.log").read_text(errors="replace")[-6_000:]

    def _published(self) -> str | None:
        try:
            endpoint = orjson.loads((self._data / "server.json").read_bytes())
        except (OSError, ValueError):
            return None
        if endpoint["pid"] != self.pid:
            return None
        host, _, port = str(endpoint["url"]).removeprefix("http://").partition(":")
        with socket.socket() as probe:
            return endpoint["url"] if probe.connect_ex((host, int(port))) == 0 else None


def _kept_port() -> socket.socket:
    """A port that nobody else is given while the server is away: it is bound, and nobody listens at it."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    return kept
