"""A witness cosigns checkpoints of a log that grows, and what it has seen and is not here is told."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from api.composition.outlets import keeper, prover
from infrastructure.ledger.copies import read_copies
from infrastructure.ledger.cosigning import largest_cosigned
from infrastructure.ledger.memory import MemoryLedger
from infrastructure.ledger.outgoing import Outgoing
from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.scribe import Scribe
from infrastructure.ledger.signing import verified
from infrastructure.ledger.webhook_address import read_target
from infrastructure.ledger.witness import CheckpointWitness
from infrastructure.log.memory import MemoryLog
from infrastructure.settings import CheckpointSettings
from projections.audit_ledger.cosignature import read_witness_key
from projections.audit_ledger.note import read_key, read_note
from tests.contracts.test_ledger import fill, scribe
from tests.support import rfc6962

NAME = "witness.example/w1"
SIGNED_AT = 1_700_000_123


class Witness:
    """Written from the protocol's text, with nothing of the product's: sizes, roots, proofs, statuses, cosignatures."""

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self.private = Ed25519PrivateKey.generate()
        self.size, self.root = 0, b""
        self.status = 0
        self.spoils = False
        self.asked: list[tuple[int, int]] = []
        witness = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Silent."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                status, text = witness.answer(body) if self.path == "/log/add-checkpoint" else (404, "")
                self.send_response(status)
                if status == 409:
                    self.send_header("Content-Type", "text/x.tlog.size")
                self.end_headers()
                self.wfile.write(text.encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/log"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def key(self) -> str:
        public = b"\x04" + self.private.public_key().public_bytes_raw()
        digest = hashlib.sha256(self.name.encode() + b"\n" + public).digest()[:4]
        return f"{self.name}+{digest.hex()}+{base64.b64encode(public).decode()}"

    def answer(self, body: str) -> tuple[int, str]:
        head, _, note = body.partition("\n\n")
        first, *proof = head.split("\n")
        old, text = int(first.removeprefix("old ")), note.partition("\n\n")[0] + "\n"
        size, root = int(text.split("\n")[1]), base64.b64decode(text.split("\n")[2])
        self.asked.append((old, size))
        if self.status:
            return self.status, "words-of-the-other-side"
        if old > size:
            return 400, ""
        if old != self.size or (old == size and root != self.root):
            return 409, f"{self.size}\n"
        if old == 0 or old == size:
            good = not proof
        else:
            hashes = [base64.b64decode(one) for one in proof]
            good = rfc6962.roots_of_proof(old, size, hashes, self.root) == (self.root, root)
        if not good:
            return 422, ""
        self.size, self.root = size, root
        return 200, self._cosignature(text)

    def _cosignature(self, text: str) -> str:
        signed = self.private.sign(f"cosignature/v1\ntime {SIGNED_AT}\n{text}".encode())
        if self.spoils:
            signed = bytes([signed[0] ^ 1]) + signed[1:]
        digest = bytes.fromhex(self.key.split("+")[1])
        line = base64.b64encode(digest + SIGNED_AT.to_bytes(8, "big") + signed).decode()
        unknown = base64.b64encode(b"else" + bytes(72)).decode()
        return f"\u2014 somebody.else {unknown}\n\u2014 {self.name} {line}\n"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def witness() -> Iterator[Witness]:
    found = Witness()
    yield found
    found.close()


class Grown:
    """A log with its ledger, and who asks the witness for it."""

    def __init__(self, folder: Path, witness: Witness) -> None:
        self.log, self.store = MemoryLog(), MemoryLedger()
        self.scribe: Scribe = scribe(self.log, self.store, folder)
        self.copies = folder / "copies"
        self._witness = witness
        self.ask = self.asker()

    def asker(self) -> CheckpointWitness:
        outgoing = Outgoing(read_target(self._witness.url, private=True))
        key = read_witness_key(self._witness.key)
        keep = keeper(self.copies, ())
        return CheckpointWitness(outgoing, key, prover(self.scribe), keep, size=self.store.size)

    def signed(self, more: int) -> SignedCheckpoint:
        fill(self.log, self.log.head(), more)
        found = self.scribe.current()
        assert found is not None
        return found


def test_each_checkpoint_is_cosigned_and_kept_with_both_signatures(tmp_path: Path, witness: Witness) -> None:
    grown = Grown(tmp_path, witness)
    for more in (1, 2, 300, 1):
        grown.ask(grown.signed(more))
    assert witness.asked == [(0, 1), (1, 3), (3, 303), (303, 304)]
    copies = read_copies(grown.copies)
    assert [one.size for one in copies] == [1, 3, 303, 304]
    keys = [read_key(one.key) for one in grown.store.public_keys()]
    assert all(verified(read_note(one.note), keys) for one in copies)
    assert largest_cosigned(copies, read_witness_key(witness.key)) == (304, SIGNED_AT)
    other = Witness("witness.example/w2")
    other.close()
    assert largest_cosigned(copies, read_witness_key(other.key)) is None


def test_what_the_witness_saw_is_learned_from_it(tmp_path: Path, witness: Witness) -> None:
    """After a restart nobody here knows it, and the same checkpoint may be cosigned twice."""
    grown = Grown(tmp_path, witness)
    grown.ask(grown.signed(5))
    grown.asker()(grown.signed(0))
    grown.asker()(grown.signed(4))
    assert witness.asked == [(0, 5), (0, 5), (5, 5), (0, 9), (5, 9)]


def test_a_node_that_is_off_duty_is_late_and_does_not_tell_of_another_log(tmp_path: Path, witness: Witness) -> None:
    """It had no answer to its last checkpoint when the duty, and the witness, went on to another one."""
    grown = Grown(tmp_path, witness)
    late, off_duty = grown.signed(3), grown.asker()
    grown.ask(grown.signed(4))
    off_duty(late)
    assert [one.size for one in read_copies(grown.copies)] == [7]
    off_duty(grown.signed(1))
    assert [one.size for one in read_copies(grown.copies)] == [7, 8]


def test_a_log_that_was_cut_off_or_is_another_is_told(tmp_path: Path, witness: Witness) -> None:
    Grown(tmp_path / "one", witness).ask(Grown(tmp_path / "one", witness).signed(7))
    shorter = Grown(tmp_path / "two", witness)
    with pytest.raises(OutletError, match=r"127\.0\.0\.1 has cosigned 7 events of this log, and here are 3"):
        shorter.ask(shorter.signed(3))
    witness.root = bytes(32)
    with pytest.raises(OutletError, match="answered 409 twice"):
        shorter.ask(shorter.signed(4))
    with pytest.raises(OutletError, match="answered 422: the log does not go on from what it has cosigned"):
        shorter.ask(shorter.signed(1))
    assert not any(shorter.copies.glob("*"))


@pytest.mark.parametrize("status", [200, 400, 403, 404, 409, 422, 500, 307])
def test_what_is_refused_is_told_without_the_words_of_the_answer(tmp_path: Path, witness: Witness, status: int) -> None:
    grown = Grown(tmp_path, witness)
    witness.status = status
    with pytest.raises(OutletError) as told:
        grown.ask(grown.signed(1))
    assert "words" not in str(told.value)
    assert not any(grown.copies.glob("*"))


def test_a_cosignature_that_does_not_hold_is_not_kept(tmp_path: Path, witness: Witness) -> None:
    grown = Grown(tmp_path, witness)
    witness.spoils = True
    with pytest.raises(OutletError, match=f"without a cosignature of {NAME} that holds"):
        grown.ask(grown.signed(1))
    witness.spoils = False
    grown.ask(grown.signed(1))
    assert [one.size for one in read_copies(grown.copies)] == [2]


def test_a_witness_has_an_address_and_a_key(witness: Witness) -> None:
    good = CheckpointSettings(witness="https://w.example", witness_key=witness.key)
    assert good.cosigner is not None
    name, digest, encoded = witness.key.split("+", 2)
    for address, key in (
        ("https://w.example", ""),
        ("", witness.key),
        ("https://w.example/?x", witness.key),
        ("http://w.example", witness.key),
        ("https://w.example", f"{name}+00000000+{encoded}"),
        ("https://w.example", f"{name}+{digest}"),
        ("https://w.example", f"other+{digest}+{encoded}"),
    ):
        with pytest.raises(ValidationError):
            CheckpointSettings(witness=address, witness_key=key)
