"""Whether a client runs hooks at all, and whether it was told to trust ours: as far as its own files tell."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from api.cli.connect.clients import CodingClient
from api.cli.connect.finding import Finding


def trust_findings(
    client: CodingClient, root: Path, hooks: list[Path], environment: Mapping[str, str]
) -> list[Finding]:
    """What stands in the way of the hooks in these files."""
    match client.name:
        case "codex":
            return _codex(client.settings("user", root, environment).with_name("config.toml"), root, hooks)
        case "gemini":
            return _gemini(hooks)
        case _:
            return _claude(client, root, environment)


def _claude(client: CodingClient, root: Path, environment: Mapping[str, str]) -> list[Finding]:
    user = client.settings("user", root, environment)
    local = root / client.folder / "settings.local.json"
    found = [
        Finding(False, f"{file} turns all hooks off (disableAllHooks)", "take that out of the file")
        for file in (user, client.settings("project", root, environment), local)
        if _json(file).get("disableAllHooks") is True
    ]
    known = _json(Path.home() / ".claude.json").get("projects")
    projects = cast("dict[str, Any]", known) if isinstance(known, dict) else {}
    seen = projects.get(str(root))
    if isinstance(seen, dict) and cast("dict[str, Any]", seen).get("hasTrustDialogAccepted") is True:
        return [*found, Finding(True, "the folder is trusted")]
    words = "whether the folder is trusted cannot be seen: interactive sessions run hooks only in trusted folders"
    return [*found, Finding(None, words, "start `claude` here once and accept its question")]


def _codex(config: Path, root: Path, hooks: list[Path]) -> list[Finding]:
    found: list[Finding] = []
    for file in (config, root / ".codex" / "config.toml"):
        features = _toml(file).get("features")
        said = cast("dict[str, Any]", features) if isinstance(features, dict) else {}
        if False in (said.get("hooks"), said.get("codex_hooks")):
            found.append(Finding(False, f"{file} turns hooks off", "set `hooks = true` under [features]"))
    kept = _toml(config).get("hooks")
    state = cast("dict[str, Any]", kept).get("state") if isinstance(kept, dict) else None
    trusted = cast("dict[str, Any]", state) if isinstance(state, dict) else {}
    for file in hooks:
        if any(str(file) in key for key in trusted):
            words = f"{file} has been reviewed in Codex; whether that was after its latest change, only Codex knows"
            found.append(Finding(None, words))
        else:
            words = f"{file} was never trusted in Codex, which skips it without a word"
            found.append(Finding(False, words, "run `codex`, enter /hooks and trust our hooks"))
    return found


def _gemini(files: list[Path]) -> list[Finding]:
    found: list[Finding] = []
    for file in files:
        said = _json(file).get("hooksConfig")
        settings = cast("dict[str, Any]", said) if isinstance(said, dict) else {}
        if settings.get("enabled") is False:
            found.append(Finding(False, f"{file} turns hooks off (hooksConfig)", "set hooksConfig.enabled to true"))
        if "signalbox" in (settings.get("disabled") or []):
            found.append(Finding(False, f"{file} turns our hook off (hooksConfig.disabled)", "take it out there"))
    words = "Gemini CLI asks about hooks of a project when they are new or changed; its answer cannot be seen from here"
    return [*found, Finding(None, words)]


def _json(file: Path) -> dict[str, Any]:
    try:
        told: object = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return cast("dict[str, Any]", told) if isinstance(told, dict) else {}


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
