"""`signalbox audit`: export bundles, verify them and the live log, print proofs, sign checkpoints, rotate keys."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from api.cli import archive_commands, erase_commands, keys_lost_command
from api.cli.command import command, group
from api.cli.exits import Exit
from api.cli.progress import Bar
from api.cli.tables import Column
from api.cli.terminal import Terminal
from api.cli.words import count, moment
from signalbox.client import audit
from signalbox.client.endpoint import find_data_folder
from signalbox.client.errors import Refused
from signalbox.client.fields import Fields, objects, optional_object, text, texts

if TYPE_CHECKING:
    from api.composition.audit import AuditError
    from signalbox.client.synchronous import Client

FORMATS: Final = ("jsonl", "csv", "cloudevents", "parquet")
OVERLAP_DAYS: Final = 7.0
_DAY_SECONDS: Final = 86_400
_POSITION: Final = re.compile(r"@?([1-9][0-9]{0,15})")
KEY_COLUMNS = (Column("KEY", "key", wide=True), Column("SINCE", "since"), Column("UNTIL", "until"))
Keys = Annotated[
    list[str] | None,
    typer.Option("--key", "-k", help="Public key of the ledger, or a file with one a line; repeatable."),
]


def register(app: typer.Typer) -> None:
    nouns = group("The audit ledger: export, verify, prove, erase, keys.")
    command(nouns, "export")(export)
    command(nouns, "verify", without=("api_key",))(verify)
    command(nouns, "prove")(prove)
    command(nouns, "consistency")(consistency)
    command(nouns, "checkpoint")(checkpoint)
    erase_commands.register(nouns)
    archive_commands.register(nouns)
    keys = group("Keys that sign checkpoints: list, rotate; and keys of what was said: lost.")
    command(keys, "list")(list_keys)
    command(keys, "rotate")(rotate)
    keys_lost_command.register(keys)
    nouns.add_typer(keys, name="keys")
    app.add_typer(nouns, name="audit")


def export(
    terminal: Terminal,
    bundle: Annotated[Path, typer.Argument(help="Folder to write; one that was interrupted is gone on with.")],
    first: Annotated[str, typer.Option("--from", help="First position, such as @1234.")] = "@1",
    last: Annotated[str | None, typer.Option("--to", help="Last position; else the end of the log.")] = None,
    project: Annotated[
        str | None, typer.Option("--project", "-p", help="Only its events, with the hashes of all others.")
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="jsonl, csv, cloudevents or parquet.")] = "jsonl",
    policy: Annotated[
        Path | None, typer.Option("--redact", help='JSON file: {"task.*": ["title", "@actor"]}, what to leave out.')
    ] = None,
) -> None:
    """Write events, hashes, checkpoints and proofs into a bundle that can be verified without this server."""
    from api.composition.audit import AuditError, export_bundle

    if kind not in FORMATS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(FORMATS)}", param_hint="--format")
    begin, end = _position(first, "--from"), None if last is None else _position(last, "--to")
    with Bar(terminal, "exported") as bar:
        try:
            manifest = export_bundle(
                terminal.client,
                bundle,
                first=begin,
                last=end,
                project=project,
                kind=kind,
                policy=policy,
                progress=bar.move,
            )
        except AuditError as error:
            raise _refused(error) from error
    said = f"{count(int(str(manifest['events'])), 'event')} from @{manifest['first']} to @{manifest['last']}"
    left_out = f", something left out of {manifest['redacted']}" if manifest.get("redacted") else ""
    terminal.show({**manifest, "folder": str(bundle)}, f"{said} in {bundle}{left_out}")
    terminal.note(f"next: signalbox audit verify {bundle} --key KEY")


def _position(said: str, option: str) -> int:
    found = _POSITION.fullmatch(said)
    if found is None:
        raise typer.BadParameter(f"{said} is no position such as @1234", param_hint=option)
    return int(found[1])


def verify(
    terminal: Terminal,
    bundle: Annotated[Path | None, typer.Argument(help="Folder of a bundle.")] = None,
    key: Keys = None,
    live: Annotated[bool, typer.Option("--live", help="The log of the server instead of a bundle.")] = False,
    copies: Annotated[
        Path | None, typer.Option("--copies", help="Folder of copied checkpoints, with --live; else the data folder's.")
    ] = None,
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", help="Public key of a witness: what it has cosigned of the copies; repeatable."),
    ] = None,
) -> None:
    """Tell whether everything is what was signed; exit code 1 where it is not. A bundle needs no server."""
    from api.composition.audit import AuditError, own_keys, verified_bundle, verified_live

    if (bundle is None) != live or ((copies is not None or witness) and not live):
        raise typer.BadParameter(
            "name a bundle, or --live (which may have --copies and --witness)", param_hint="BUNDLE"
        )
    keys = key or []
    with Bar(terminal, "verified") as bar:
        try:
            if bundle is not None:
                report = verified_bundle(bundle, keys, bar.move)
            else:
                data = find_data_folder(data=terminal.data)
                beside = data / "checkpoints" if data is not None else None
                kept = copies or (beside if beside is not None and beside.is_dir() else None)
                keys = keys or (own_keys(data) if data is not None else [])
                report = verified_live(_client(terminal), keys, kept, bar.move, witness or [])
        except AuditError as error:
            raise _refused(error) from error
    if not keys:
        terminal.note("no --key was given: the keys that it brings along are believed")
    terminal.show(report, *_report_words(report))
    if report["verdict"] != "intact":
        raise typer.Exit(Exit.REFUSED)


def _client(terminal: Terminal) -> "Client":
    """Of the server, where ``--key`` is not its key. Raises Refused, ServerUnavailable."""
    try:
        return terminal.client
    except Refused as refused:
        if refused.code != "no_key":
            raise
        advice = "Give one with SIGNALBOX_KEY; --key names keys of the ledger here."
        raise Refused(refused.code, refused.message, advice) from refused


def prove(
    terminal: Terminal,
    event: Annotated[str, typer.Argument(help="Position (@1234), or stream@version.")],
    size: Annotated[int | None, typer.Option("--size", min=1, help="To the first checkpoint of this size.")] = None,
) -> None:
    """Print the audit path of an event (RFC 6962) and the signed checkpoint that it leads to."""
    proof = terminal.client.ask(audit.prove(event, size))
    note = text(optional_object(proof, "checkpoint"), "note")
    terminal.show(
        proof,
        f"event  @{proof.get('position')}, leaf index {int(str(proof.get('position'))) - 1}",
        f"leaf   {text(proof, 'leaf')}",
        *(f"path   {one}" for one in texts(proof, "path")),
        "",
        note.rstrip("\n"),
    )


def consistency(
    terminal: Terminal,
    old: Annotated[int, typer.Argument(min=1, help="Size of the earlier checkpoint.")],
    new: Annotated[int, typer.Argument(min=1, help="Size of the later one.")],
) -> None:
    """Print the proof (RFC 6962) that the log of OLD events is the beginning of that of NEW."""
    proof = terminal.client.ask(audit.consistency(old, new))
    terminal.show(
        proof,
        f"old    {old}  {text(proof, 'old_root')}",
        f"new    {new}  {text(proof, 'new_root')}",
        *(f"path   {one}" for one in texts(proof, "path")),
    )


def checkpoint(terminal: Terminal) -> None:
    """Sign everything that is in the log now; keep what it prints where nobody here can change it."""
    signed = optional_object(terminal.client.ask(audit.sign_checkpoint()), "checkpoint")
    if not signed:
        raise Refused("empty_log", "there is nothing in the log yet", "Do something first.")
    terminal.show(signed, text(signed, "note").rstrip("\n"))


def list_keys(terminal: Terminal) -> None:
    """The public keys of the ledger and when each signs."""
    _show_keys(terminal, terminal.client.ask(audit.public_keys()))


def rotate(
    terminal: Terminal,
    overlap_days: Annotated[
        float, typer.Option("--overlap-days", min=0, max=365, help="How long the former key signs as well.")
    ] = OVERLAP_DAYS,
) -> None:
    """Begin a new key; checkpoints carry both signatures until the former one is retired."""
    _show_keys(terminal, terminal.client.ask(audit.rotate_key(round(overlap_days * _DAY_SECONDS))))


def _show_keys(terminal: Terminal, answer: Fields) -> None:
    keys = objects(answer, "keys")
    if terminal.as_json:
        terminal.show({"keys": list(keys)})
        return
    rows = [{**one, "since": moment(one.get("since")), "until": moment(one.get("until")) or "now"} for one in keys]
    terminal.table("keys", rows, KEY_COLUMNS, "no keys")


def _report_words(report: Fields) -> list[str]:
    kind = "as the ledger showed them" if report.get("attested") == report.get("redacted") else "not proven"
    redacted = f", and {report['redacted']} redacted ones, {kind}" if report.get("redacted") else ""
    span = f"@{report['first']} to @{report['last']}"
    archived = f", and {report['archived']} archived ones by their hashes" if report.get("archived") else ""
    lines = [f"{str(report['verdict']).upper()}  {span}: {report['events']} events{redacted}{archived}"]
    found = objects(report, "findings")
    lines += [f"  @{one.get('position')}  {one.get('verdict')}: {one.get('words')}" for one in found]
    if report.get("size"):
        lines.append(f"  checkpoint  {report['size']} events of {report['origin']}, {moment(report['at'])}")
        lines += [f"  signed by   {one}" for one in texts(report, "signed_by")]
        if report.get("bases"):
            lines.append(f"  bases       {count(int(str(report['bases'])), 'state')} folded anew from archived events")
        lines.append(f"  roots       {count(int(str(report['checkpoints'])), 'signed checkpoint')} computed anew")
    return lines + [_cosigned_words(one) for one in objects(report, "cosigned")]


def _cosigned_words(one: Fields) -> str:
    said = f"{one['size']} events at {moment(one['at'])}" if one.get("size") else "nothing of the copies"
    return f"  cosigned    {said} by {one['witness']}"


def _refused(error: "AuditError") -> Refused:
    return Refused("cannot_audit", str(error), error.advice)
