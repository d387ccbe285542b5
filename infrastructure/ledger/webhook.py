"""Posts each checkpoint, signed, to a webhook."""

import http
import time
from typing import Final

from infrastructure.ledger.outgoing import Outgoing
from infrastructure.ledger.outlet import OutletError
from infrastructure.ledger.port import SignedCheckpoint
from infrastructure.ledger.webhook_request import body_of, headers_of

BETWEEN_SECONDS: Final = 10.0


class CheckpointWebhook:
    """Reads no more of an answer than its status. Used by one thread."""

    def __init__(self, outgoing: Outgoing, secret: bytes) -> None:
        self._outgoing: Final = outgoing
        self._secret: Final = secret

    def __call__(self, checkpoint: SignedCheckpoint) -> None:
        """Post it; who answers 200 to 299 has taken it. Raises OutletError, never with words of the answer."""
        body = body_of(checkpoint)
        status = self._outgoing.post(body, headers_of(checkpoint, body, self._secret, int(time.time()))).status
        if not http.HTTPStatus.OK <= status < http.HTTPStatus.MULTIPLE_CHOICES:
            raise OutletError(f"{self._outgoing.host} answered {status}")
