"""Refusals of the lock service: what a caller got wrong about resources and claims."""

from typing import ClassVar

from domain.kernel.errors import Rejection


class BadPattern(Rejection):
    """The resource {resource} is not a canonical claim: {reason}.

    Write kind:scope//pattern, for example path:repo//src/**, and ask again; nothing is repaired for you.
    """

    HTTP_STATUS: ClassVar[int] = 422
    resource: str
    reason: str


class TooComplex(Rejection):
    """Comparing {resource} with the live claims takes more than {steps_max} steps.

    Use fewer wildcards in one segment or claim a directory with a plain name; overlap is never guessed.
    """

    HTTP_STATUS: ClassVar[int] = 422
    resource: str
    steps_max: int
