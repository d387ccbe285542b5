"""`python -m signalbox`: the same as the `signalbox` command."""

from signalbox.launcher import main

main()
