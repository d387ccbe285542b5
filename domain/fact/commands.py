"""What may be asked of facts: only what follows by itself."""

from typing import ClassVar

from domain.kernel.message import ProjectCommand


class PublishFact(ProjectCommand):
    """A run has ended, or was taken back since: say so under a topic (derived by the policy publish_facts)."""

    NAME: ClassVar[str] = "publish_fact"
    run: str
    correlation_key: str
