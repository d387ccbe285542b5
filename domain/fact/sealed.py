"""What is published of a run: under the run's key, so that it is erased with it."""

from collections.abc import Mapping
from typing import Final

from domain.kernel.sealing import Sealing

SEALED: Final[Mapping[str, Sealing]] = {"fact.published.v1": Sealing({"output": "json"}, about=("run",))}
"""By stored name. Signals and results that a project publishes are said to others, and are about no run."""
