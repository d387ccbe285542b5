"""Definitions for the command line: from a file, or from the server by name and version."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from api.cli.files import file_bytes
from api.cli.queries import DEFINITION
from api.cli.reading import listing, project_of
from api.cli.words import count
from signalbox.client.errors import Refused

if TYPE_CHECKING:
    from api.cli.terminal import Terminal
    from api.pipeline.read import PipelineFault, PipelineFile
    from domain.kernel.pipeline.definition import Definition


def read_file(file: Path) -> "PipelineFile":
    """The definition of a file. Raises Refused with every fault of form and its line."""
    from api.pipeline.read import read_pipeline_bytes

    found = read_pipeline_bytes(file_bytes(file), "<stdin>" if str(file) == "-" else str(file))
    if isinstance(found, tuple):
        raise faulty(found)
    return found


def faulty(faults: "Sequence[PipelineFault]") -> Refused:
    """The refusal of a file, each fault on a line of its own."""
    return Refused(
        "pipeline_faulty",
        "\n".join(map(str, faults)),
        f"Mend {count(len(faults), 'fault')}; nothing was published.",
        {"faults": [asdict(fault) for fault in faults]},
    )


def read_definition(terminal: "Terminal", source: str, project: str | None) -> "Definition":
    """The definition of a file, or that of ``NAME`` or ``NAME@VERSION`` on the server. Raises Refused."""
    from domain.kernel.pipeline.definition import Definition

    if source == "-" or Path(source).is_file() or source.endswith((".yaml", ".yml", ".json")):
        return read_file(Path(source)).definition
    name, _, number = source.partition("@")
    if number and not number.isdecimal():
        raise Refused("bad_version", f"{number} is no version", "Write NAME@3.")
    where = {
        "project": project_of(terminal.client, project),
        "name": name,
        "version": int(number) if number else None,
        "states": None if number else ["published"],
    }
    rows = listing(terminal.client, DEFINITION, {"where": where}, 1).rows
    if not rows:
        what = f"version {number} of the pipeline {name}" if number else f"published version of a pipeline {name}"
        raise Refused("unknown_thing", f"There is no {what}.", "`signalbox pipeline versions` lists what there is.")
    return Definition.model_validate(rows[0].get("definition"), strict=False)
