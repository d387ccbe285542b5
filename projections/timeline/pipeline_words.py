"""Says in words what happens to definitions of pipelines."""

from typing import assert_never

from domain.pipeline.events import DefinitionAdded, DefinitionDeprecated, DefinitionPublished, DefinitionRetired

DefinitionTurn = DefinitionAdded | DefinitionPublished | DefinitionDeprecated | DefinitionRetired


def definition_turn(event: DefinitionTurn) -> str:
    """One line."""
    named = f"pipeline {event.name} version {event.version}"
    match event:
        case DefinitionAdded():
            return f"{named} added: {event.digest[:19]}"
        case DefinitionPublished():
            return f"{named} published"
        case DefinitionDeprecated():
            return f"{named} deprecated: no further runs of it"
        case DefinitionRetired():
            return f"{named} retired"
        case _:
            assert_never(event)
