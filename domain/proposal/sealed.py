"""What a proposal asks, and what is said of it, in words of people and agents: under its own key."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {
    "proposal.opened.v1": Sealing({"question": "text", "options": {"text": "text"}}),
    "proposal.vote_cast.v1": Sealing({"comment": "text"}),
    "proposal.decided.v1": Sealing({"reason": "text"}),
}
"""By stored name. Names of options are what is voted for, and stay readable."""
