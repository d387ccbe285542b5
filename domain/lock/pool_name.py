"""How a claim on a pool is written: ``pool:gpu``, ``pool:gpu;label=a100;quantity=2``, ``pool:gpu;member=m1``.

One wish has one spelling: labels, members and the quantity stand in this order, each sorted, and a quantity of one is
left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from domain.kernel.values import ScopeClaim
from domain.lock.segment import MalformedError

QUANTITY_MAX: Final = 256
POOL: Final = "pool:"
"""What a claim on a pool begins with."""
_ORDER: Final = ("label", "member", "quantity")


@dataclass(frozen=True, slots=True)
class PoolWish:
    """So many units of a pool: any with all the labels, or just the named members."""

    name: str
    quantity: int = 1
    labels: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()


@lru_cache(maxsize=4_096)
def read_pool(body: str) -> PoolWish:
    """The wish of the text behind ``pool:``. Raises ``MalformedError``."""
    name, *options = body.split(";")
    if not name or "=" in name:
        raise MalformedError("a pool is written pool:name, then options such as ;label=big;quantity=2")
    found: dict[str, list[str]] = {key: [] for key in _ORDER}
    for option in options:
        key, equals, value = option.partition("=")
        if key not in found or not equals or not value:
            raise MalformedError("the options of a pool are label=…, member=… and quantity=…")
        found[key].append(value)
    wish = PoolWish(name, _quantity(found), frozenset(found["label"]), tuple(sorted(found["member"])))
    if written(wish) != body:
        raise MalformedError(f"it is written {written(wish)}: options sorted, none twice, and no quantity of one")
    return wish


def units_in(claims: Iterable[ScopeClaim]) -> dict[str, int]:
    """Pool -> units of it that the claims ask for; one that today's parser refuses asks for none."""
    found: dict[str, int] = {}
    for claim in claims:
        if not claim.claim.startswith(POOL):
            continue
        try:
            wish = read_pool(claim.claim.removeprefix(POOL))
        except MalformedError:
            continue
        found[wish.name] = found.get(wish.name, 0) + wish.quantity
    return found


def written(wish: PoolWish) -> str:
    """The one spelling of a wish."""
    parts = [f"label={label}" for label in sorted(wish.labels)]
    parts += [f"member={member}" for member in dict.fromkeys(wish.members)]
    if wish.quantity > 1 and not wish.members:
        parts.append(f"quantity={wish.quantity}")
    return ";".join((wish.name, *parts))


def _quantity(found: dict[str, list[str]]) -> int:
    if found["member"]:
        if found["quantity"] or found["label"]:
            raise MalformedError("named members take neither a label nor a quantity")
        return len(found["member"])
    if not found["quantity"]:
        return 1
    text = found["quantity"][0]
    if len(found["quantity"]) > 1 or not (text.isascii() and text.isdecimal()) or text.startswith("0"):
        raise MalformedError("the quantity is one whole number")
    if len(text) > 3 or int(text) > QUANTITY_MAX:
        raise MalformedError(f"the quantity is at most {QUANTITY_MAX}")
    return int(text)
