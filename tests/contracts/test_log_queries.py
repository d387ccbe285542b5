"""Files of named queries and of migrations keep their form."""

from pathlib import Path

import pytest

import infrastructure.sql
from infrastructure.sql import MalformedSqlError, load, migrations


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(infrastructure.sql, "_FOLDER", tmp_path)
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


def test_every_file_of_queries_can_be_read() -> None:
    root = Path(infrastructure.sql.__file__).parent
    files = [file for file in root.rglob("*.sql") if not file.name[0].isdigit()]

    assert len(files) >= 2
    for file in files:
        assert load.__wrapped__(f"{file.parent.name}/{file.name}")


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_migrations_are_numbered_from_one(store: str) -> None:
    assert [migration.number for migration in migrations(store)] == list(range(1, len(migrations(store)) + 1))
    assert migrations(store)[0].name == "log"


def test_queries_are_found_by_name_without_their_comments(folder: Path) -> None:
    (folder / "some.sql").write_text(
        "-- A file.\n\n-- name: one\n-- Says one.\nSELECT 1;\n\n-- name: two\n-- Says two.\nSELECT\n2"
    )

    assert load.__wrapped__("store/some.sql") == {"one": "SELECT 1", "two": "SELECT\n2"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "-- name: one\nSELECT 1",
        "-- name: one\n-- Says one.\n",
        "-- name: one\n-- Says one.\nSELECT 1;\n-- name: one\n-- Again.\nSELECT 2;",
    ],
    ids=["outside", "no sentence", "empty", "twice"],
)
def test_a_file_out_of_form_is_refused(folder: Path, text: str) -> None:
    (folder / "wrong.sql").write_text(text)

    with pytest.raises(MalformedSqlError):
        load.__wrapped__("store/wrong.sql")


def test_a_missing_migration_is_noticed(folder: Path) -> None:
    (folder / "0001_first.sql").write_text("SELECT 1;")
    (folder / "0003_third.sql").write_text("SELECT 3;")

    with pytest.raises(MalformedSqlError, match="0002"):
        migrations.__wrapped__("store")
