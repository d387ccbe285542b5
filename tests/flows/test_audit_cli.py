"""`signalbox audit` against a real server: export, interruption, verification without a server, a tampered bundle."""

import json
import shutil
from pathlib import Path

from api.cli.erase_commands import erasure_words, would_words
from api.cli.exits import Exit
from projections.audit_ledger.cosignature import WitnessKey
from tests.support.command_line import CommandLine, end

PLAN = 'project: shop\ntasks:\n  - {key: one, title: One, kind: "=1+1"}\n  - {key: two, title: Two}\n'


def test_of_what_stays_readable_it_is_not_said_that_it_is_erased() -> None:
    alone = {"with_it": [], "with_it_total": 0}
    assert "when another administrator" in erasure_words({**alone, "erased": False, "stays_readable": True})
    assert erasure_words({**alone, "erased": True, "stays_readable": False}) == "what was said of it is erased"
    assert erasure_words({**alone, "erased": True, "stays_readable": True}).endswith("as far as it was under a key")


def test_of_what_goes_with_a_subject_it_is_told_how_much_and_beforehand_which() -> None:
    answer = {"erased": False, "stays_readable": False, "with_it": ["task_1", "run_2"], "with_it_total": 2}
    assert would_words(answer).endswith("2 subjects that it has inside would be erased: task_1, run_2")
    assert erasure_words({**answer, "erased": True}).endswith("2 subjects that it has inside is erased")
    assert would_words({**answer, "erased": True}) == "it is erased already"


def test_who_has_no_key_for_the_server_is_not_sent_to_an_option_that_means_another_key(tmp_path: Path) -> None:
    told = CommandLine(tmp_path)("audit", "verify", "--live", code=Exit.REFUSED, SIGNALBOX_URL="http://127.0.0.1:9")
    assert "next: Give one with SIGNALBOX_KEY; --key names keys of the ledger here." in told.err


def test_a_bundle_is_exported_and_verified_without_the_server(tmp_path: Path) -> None:
    cli = CommandLine(tmp_path)
    server = cli.serve()
    try:
        (tmp_path / "plan.yaml").write_text(PLAN)
        (tmp_path / "policy.json").write_text('{"task.*": ["kind"]}')
        cli("plan", "apply", "plan.yaml")
        whole = cli("audit", "export", "whole", "--json").json
        assert (whole["first"], whole["last"], whole["events"]) == (1, whole["last"], whole["last"])
        witness = str(WitnessKey("nobody", bytes(32)))
        live = cli("audit", "verify", "--live", "--witness", witness, "--json").json
        assert (live["verdict"], live["findings"]) == ("intact", [])
        assert live["cosigned"] == [{"witness": witness, "size": 0, "at": None}]
        redacted = ["--project", "shop", "--format", "csv", "--redact", "policy.json", "--from", "@2"]
        cli("audit", "export", "some", *redacted)
        assert "no position" in cli("audit", "export", "none", "--from", "@0", code=Exit.USAGE).err
        cli("audit", "export", "some", *redacted, code=Exit.REFUSED)
        interrupt(tmp_path / "some")
        again = cli("audit", "export", "some", *redacted, "--json").json
        assert again["redacted"] == 2
        assert "=1+1" not in (tmp_path / "some" / "events" / "000000000001.csv").read_text()
    finally:
        assert end(server) == 0
    keys = str(tmp_path / ".signalbox" / "ledger-keys" / "public.txt")
    assert cli("audit", "verify", "whole", "--key", keys, "--json").json["events"] == whole["last"]
    some = cli("audit", "verify", "some", "--key", keys, "--json").json
    assert (some["verdict"], some["events"], some["redacted"]) == ("intact", again["events"] - 2, 2)
    file = tmp_path / "whole" / "events" / "000000000001.jsonl"
    file.write_text(file.read_text().replace("=1+1", "=1+2"))
    told = cli("audit", "verify", "whole", "--key", keys, code=Exit.REFUSED)
    assert told.out.startswith("ALTERED")
    assert "is not what was recorded" in told.out


def interrupt(folder: Path) -> None:
    """Leave what an export leaves that was killed in its first part, when everything before was written."""
    manifest = json.loads((folder / "manifest.json").read_text())
    plan = {
        "wish": {
            "first": 2,
            "last": None,
            "project": "shop",
            "format": "csv",
            "redaction": {"task.*": ["kind"]},
        },
        "first": manifest["first"],
        "last": manifest["last"],
        "origin": manifest["origin"],
        "project": manifest["project"],
        "size": manifest["last"],
        "proofs": manifest["proofs"],
    }
    (folder / "export.json").write_text(json.dumps(plan))
    (folder / "manifest.json").unlink()
    file = folder / "events" / "000000000001.csv"
    shutil.move(file, file.with_name(file.name + ".partial"))
