"""The command line: noun, verb, `--json`."""
