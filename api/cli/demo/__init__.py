"""`signalbox demo`: a fleet of worker processes on one git repository, some killed, judged by the repository."""

from api.cli.demo.show import DemoSettings
from api.cli.demo.show import show as run

__all__ = ["DemoSettings", "run"]
