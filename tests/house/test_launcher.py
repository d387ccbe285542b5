"""The `signalbox` command runs its own layers, whatever working directory and PYTHONPATH offer, and starts light."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.cli.exits import Exit
from signalbox.launcher import layered_path, layers_folder, main
from tests.house.sources import LAYERS, ROOT


def test_a_checkout_runs_its_own_layers() -> None:
    assert layers_folder() == str(ROOT)
    assert all((Path(layers_folder()) / layer).is_dir() for layer in LAYERS)


def test_working_directory_and_pythonpath_stay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([".", "src", "/elsewhere"]))
    before = ["", str(tmp_path), str(tmp_path / "src"), "/elsewhere", "/usr/lib/kept"]
    assert layered_path(before) == [str(ROOT), "/usr/lib/kept"]


def test_installed_packages_stay_in_even_when_pythonpath_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = next(entry for entry in sys.path if entry.endswith("site-packages"))
    monkeypatch.setenv("PYTHONPATH", packages)
    assert layered_path([packages]) == [str(ROOT), packages]


def test_our_layers_come_first_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert layered_path(["/kept", str(ROOT), ""]) == [str(ROOT), "/kept"]


def test_a_working_directory_that_is_gone_does_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", ".")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert layered_path(["", ".", "/kept"]) == [str(ROOT), "/kept"]


def test_ctrl_c_while_all_is_loaded_ends_it_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["signalbox", "up"])
    monkeypatch.setattr("importlib.import_module", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == Exit.INTERRUPTED


def test_the_launcher_needs_the_standard_library_only() -> None:
    probe = (
        "import sys; before = set(sys.modules); import signalbox.launcher; "
        "tops = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*sorted(tops - sys.stdlib_module_names - {'signalbox'}))"
    )
    found = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not found.stdout.strip()


@pytest.mark.parametrize("command", [["-m", "signalbox"], [str(Path(sys.executable).with_name("signalbox"))]])
def test_a_checkout_answers_by_module_and_by_command(command: list[str]) -> None:
    answer = subprocess.run(
        [sys.executable, *command, "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer.stdout.startswith("signalbox ")
