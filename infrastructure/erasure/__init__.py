"""Keys of subjects, what is sealed under them, and what their destruction leaves to be done."""
