"""The list of runs: what each walks through, how far it is, and how it ended."""
