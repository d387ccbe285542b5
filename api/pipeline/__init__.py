"""Pipeline files: text to the definition that is published, what is found in it, its graph and its differences."""
