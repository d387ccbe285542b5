"""`signalbox hook`: its line in the help; the launcher hands the word over before any of this is loaded."""

import typer

from signalbox.hook.options import USAGE

SUMMARY = "Judge one event of a coding client, from standard input."


def register(app: typer.Typer) -> None:
    """Appear in the list of commands."""

    @app.command("hook", help=SUMMARY, epilog=USAGE, add_help_option=True)
    def hook() -> None:
        """Never run: see the launcher."""
