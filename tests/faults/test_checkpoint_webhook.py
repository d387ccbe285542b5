"""Checkpoints are posted to the address that the operator named, signed, and to no other that it may lead to."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from api.composition.outlets import webhook_secret
from infrastructure.ledger.copies import read_checkpoint_lines
from infrastructure.ledger.outgoing import Outgoing
from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.webhook import CheckpointWebhook
from infrastructure.ledger.webhook_address import read_target
from infrastructure.ledger.webhook_request import read_secret, secret_text
from infrastructure.local import UnsafeDataFolderError
from infrastructure.settings import CheckpointSettings

SECRET = b"s" * 32
CHECKPOINT = SignedCheckpoint(7, 1_700_000_000_000_000, "signalbox/test\n7\n")


def to_loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


class Receiver:
    """Keeps what is posted to it, and answers with a status and a text that must not be shown."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.status = 204
        self.got: list[tuple[str, Message, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

            def do_POST(self) -> None:
                receiver.got.append((self.path, self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status, "words-of-the-other-side")
                self.send_header("Location", "/elsewhere")
                self.end_headers()

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """A client that does not trust us breaks off."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def post(url: str, *, private: bool = True, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
    target = read_target(url, private=private)
    CheckpointWebhook(Outgoing(target, resolve=lambda _host, _port: addresses), SECRET)(CHECKPOINT)


def test_a_post_is_signed_and_is_a_line_of_copies(receiver: Receiver, tmp_path: Path) -> None:
    post(f"http://hooks.example:{receiver.port}/in?to=x")
    post(f"http://hooks.example:{receiver.port}/in?to=x")
    (path, headers, body), (_, again, _) = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    assert (path, headers["Host"]) == ("/in?to=x", f"hooks.example:{receiver.port}")
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["webhook-id"] == again["webhook-id"]
    assert json.loads(body) == {"type": "ledger.checkpoint.v1", **CHECKPOINT._asdict()}
    (tmp_path / "file").write_bytes(body + b"\n")
    assert read_checkpoint_lines(tmp_path / "file") == [CHECKPOINT]


@pytest.mark.parametrize("status", [302, 307, 400, 500])
def test_no_redirect_is_followed_and_the_number_alone_is_told(receiver: Receiver, status: int) -> None:
    receiver.status = status
    with pytest.raises(OutletError) as told:
        post(f"http://localhost:{receiver.port}/token")
    assert str(told.value) == f"localhost answered {status}"
    assert [path for path, _, _ in receiver.got] == ["/token"]


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", b"words that are no http\r\n\r\n"])
def test_who_is_silent_or_talks_nonsense_is_left(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        target = read_target(f"http://localhost:{listening.getsockname()[1]}/", private=True)
        webhook = CheckpointWebhook(Outgoing(target, resolve=to_loopback, seconds_max=0.3), SECRET)
        failed: list[str] = []

        def deliver() -> None:
            with pytest.raises(OutletError) as told:
                webhook(CHECKPOINT)
            failed.append(str(told.value))

        thread = threading.Thread(target=deliver)
        thread.start()
        taken, _ = listening.accept()
        with taken:
            with suppress(OSError):  # it may have been given up before
                taken.sendall(said)
            thread.join(90)
        assert len(failed) == 1
        assert "words" not in failed[0]


def test_a_server_that_is_away_is_told() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))  # and does not listen
        with pytest.raises(OutletError, match="localhost: Connection refused"):
            post(f"http://localhost:{deaf.getsockname()[1]}/")


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("0.0.0.0", "224.0.0.1"),
        *("::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "240.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:7f00:1::", "255.255.255.255", "fec0::1"),
    ],
)
def test_a_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    """One such address beside a public one is enough: which of them is taken would be the name's owner's choice."""
    for addresses in ((address,), ("8.8.8.8", address)):
        with pytest.raises(OutletError, match="leads to an address that it may not lead to"):
            post("https://hooks.example/", private=False, addresses=addresses)


def test_public_addresses_are_public() -> None:
    target = read_target("https://hooks.example/", private=False)
    for address in ("8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"):
        assert target.may_lead_to(address), ip_address(address)


def test_without_tls_this_machine_alone_is_reached() -> None:
    for address in ("10.0.0.1", "8.8.8.8"):
        with pytest.raises(OutletError, match="may not lead to"):
            post("http://hooks.example/", addresses=(address,))


@pytest.mark.parametrize(
    "url",
    [
        *("http://hooks.example/", "ftp://hooks.example/", "hooks.example", "https:///x", "https://a b/", "https://"),
        *("https://me:word@hooks.example/", "https://hooks.example/#x", "https://hooks.example:22/"),
        *("https://2130706433/", "https://0177.0.0.1/", "https://0x7f.1/", "https://127.1/", "https://x.0x7f./"),
        *("https://hooks.example:99999/", "https://hooks.example/" + "x" * 2_000, "https://hooks.example/\r\nX: y"),
    ],
)
def test_what_is_no_https_address_cannot_be_set(url: str) -> None:
    with pytest.raises(ValidationError):
        CheckpointSettings(webhook=url)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server called hooks.example, and who trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "pem").write_bytes(secret + signed.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "pem")
    return server, ssl.create_default_context(cafile=str(folder / "pem"))


def test_the_certificate_has_to_be_that_of_the_host_and_of_somebody_trusted(tmp_path: Path) -> None:
    server, trusting = certificate(tmp_path)
    receiver = Receiver(server)
    try:
        for host, context in (("hooks.example", None), ("other.example", trusting)):
            target = read_target(f"https://{host}:{receiver.port}/", private=True)
            webhook = CheckpointWebhook(Outgoing(target, resolve=to_loopback, context=context), SECRET)
            with pytest.raises(OutletError, match=f"{host}: its certificate does not hold"):
                webhook(CHECKPOINT)
        assert receiver.got == []
        target = read_target(f"https://hooks.example:{receiver.port}/", private=True)
        CheckpointWebhook(Outgoing(target, resolve=to_loopback, context=trusting), SECRET)(CHECKPOINT)
        assert len(receiver.got) == 1
    finally:
        receiver.close()


def test_the_secret_is_private_and_stays(tmp_path: Path) -> None:
    made, file = webhook_secret(tmp_path), tmp_path / "webhook.secret"
    assert file.stat().st_mode & 0o777 == 0o600
    assert made == webhook_secret(tmp_path) == read_secret(file.read_text().strip())
    assert read_secret(secret_text(SECRET)) == SECRET
    for text in (
        "whsec_short",
        "x" * 60,
        base64.b64encode(SECRET).decode(),
        "whsec_" + base64.b64encode(b"x").decode(),
    ):
        file.write_text(text)
        with pytest.raises(UnsafeDataFolderError, match="a webhook's secret is whsec_"):
            webhook_secret(tmp_path)
