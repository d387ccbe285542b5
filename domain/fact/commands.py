"""What may be asked of facts: signals and results that a project publishes, and what follows from its runs."""

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from domain.kernel.message import ProjectCommand
from domain.kernel.pipeline.words import SignalName
from domain.kernel.text import JsonText
from domain.kernel.versions import VersionText

ArtefactName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
VERSIONS_MAX = 1_000
"""Of one artefact, those that were withdrawn included."""


class PublishFact(ProjectCommand):
    """A run has ended, or was taken back since: say so under a topic (derived by the policy publish_facts)."""

    NAME: ClassVar[str] = "publish_fact"
    run: str
    correlation_key: str


class PublishSignal(ProjectCommand):
    """Send out a signal: runs of the project, and of those that it lets need its results, hear it."""

    NAME: ClassVar[str] = "publish_signal"
    name: SignalName
    content: JsonText = ""


class PublishArtefact(ProjectCommand):
    """Publish a result in a version, which stays what it is; the same again changes nothing."""

    NAME: ClassVar[str] = "publish_artefact"
    name: ArtefactName
    version: VersionText
    uri: str = Field(default="", max_length=2_000)
    """Where it is."""
    digest: str = Field(default="", max_length=200)
    """Of what is there, such as ``sha256:…``."""


class WithdrawArtefact(ProjectCommand):
    """Take back a version: nobody takes it any more, and whoever has is told."""

    NAME: ClassVar[str] = "withdraw_artefact"
    name: ArtefactName
    version: VersionText
    reason: str = Field(min_length=1, max_length=2_000)
