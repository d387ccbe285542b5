"""The doors for machines: commands, wait, health, metrics."""
