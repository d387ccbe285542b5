"""How each thing is looked up: one module for each kind of source."""
