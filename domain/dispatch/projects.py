"""Finding projects by slug or id through the view, many at once."""

from collections.abc import Iterable

from domain.kernel.decider import StreamsMissing, View
from domain.kernel.errors import UnknownThing
from domain.kernel.ids import FLEET, ProjectId, StreamId, is_type_id
from domain.project.decider import NAME_KIND, PROJECT
from domain.project.state import Project


def find_projects(view: View, names: Iterable[str]) -> tuple[ProjectId, ...] | UnknownThing:
    """The ids in the order of the names, each once, or the first name that is unknown.

    Names that are not in memory are asked for all at once.
    """
    found: dict[str, ProjectId | None] = {}
    streams: list[StreamId] = []
    keys: list[tuple[ProjectId, str, str]] = []
    for name in dict.fromkeys(names):
        try:
            found[name] = _find(view, name)
        except StreamsMissing as needed:
            streams.extend(needed.streams)
            keys.extend(needed.keys)
    if streams or keys:
        raise StreamsMissing(tuple(streams), tuple(keys))
    unknown = next((name for name, project in found.items() if project is None), None)
    if unknown is not None:
        return UnknownThing(kind="project", name=unknown)
    return tuple(dict.fromkeys(project for project in found.values() if project is not None))


def _find(view: View, name: str) -> ProjectId | None:
    if not is_type_id(name, "proj"):
        stream = view.key(FLEET, NAME_KIND, name)
        return None if stream is None else ProjectId(stream)
    return ProjectId(name) if isinstance(view.read(PROJECT, StreamId(name)), Project) else None
