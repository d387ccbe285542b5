"""A settings file of a client as text and as data: what is ours in it, added and taken out, the rest left as it is."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, cast

from api.cli.connect.clients import CodingClient
from signalbox.client.errors import Refused

INDENT_DEFAULT: Final = "  "
_INDENT: Final = re.compile(r"^([ \t]+)\S", re.MULTILINE)
Data = dict[str, Any]


def data_of(text: str | None, path: str) -> Data:
    """The settings; none where there is no file, or an empty one. Raises Refused where they cannot be read."""
    if text is None or not text.strip():
        return {}
    try:
        data: object = json.loads(text)
    except ValueError as error:
        raise Refused(
            "settings_not_json",
            f"{path} is not plain JSON: {error}",
            "Mend it, or take comments out of it, and connect again; nothing was written.",
        ) from error
    if not isinstance(data, dict):
        raise Refused("settings_not_json", f"{path} is no JSON object", "Mend it and connect again.")
    return cast("Data", data)


def connected(data: Data, client: CodingClient, command: str) -> Data:
    """The settings with our entries, and with no older ones of ours."""
    kept = disconnected(data, client)
    hooks = _hooks_of(kept)
    for group in client.groups_for(command):
        entry: Data = {} if group.matcher is None else {"matcher": group.matcher}
        hooks[group.event] = [*_groups_in(hooks, group.event), entry | {"hooks": [client.handler(command, group)]}]
    return {**kept, "hooks": hooks}


def disconnected(data: Data, client: CodingClient) -> Data:
    """The settings without our entries, and without what held nothing else."""
    hooks = _hooks_of(data)
    if not any(client.is_ours(handler) for handler in handlers_in(data)):
        return data
    kept: Data = {}
    for event in hooks:
        groups = [left for one in _groups_in(hooks, event) if (left := _without_ours(one, client)) is not None]
        if groups or not _groups_in(hooks, event):
            kept[event] = groups or hooks[event]
    rest = {name: value for name, value in data.items() if name != "hooks"}
    return {name: (kept if name == "hooks" else value) for name, value in data.items()} if kept else rest


def handlers_in(data: Data, event: str | None = None) -> list[Mapping[str, object]]:
    """Every entry, or those of one event."""
    hooks = _hooks_of(data)
    groups = [group for name in hooks if event in (None, name) for group in _groups_in(hooks, name)]
    return [handler for group in groups for handler in _handlers_of(group)]


def text_of(data: Data, like: str | None) -> str:
    """The settings as text, indented and ended as the file was before."""
    found = None if like is None else _INDENT.search(like)
    indent = INDENT_DEFAULT if found is None else found.group(1)
    end = "" if like and like.strip() and not like.endswith("\n") else "\n"
    return json.dumps(data, indent=indent, ensure_ascii=False) + end


def _hooks_of(data: Data) -> Data:
    hooks = data.get("hooks")
    return dict(cast("Data", hooks)) if isinstance(hooks, dict) else {}


def _groups_in(hooks: Data, event: str) -> list[Any]:
    groups = hooks.get(event)
    return [*groups] if isinstance(groups, list) else []


def _handlers_of(group: object) -> list[Data]:
    found = cast("Data", group).get("hooks") if isinstance(group, dict) else None
    handlers = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Data", one) for one in handlers if isinstance(one, dict)]


def _without_ours(group: object, client: CodingClient) -> object | None:
    """A group without our entries; None where there were no others."""
    handlers = _handlers_of(group)
    others = [one for one in handlers if not client.is_ours(one)]
    if len(others) == len(handlers):
        return group
    return {**cast("Data", group), "hooks": others} if others else None
