"""The composition root: the only place that knows the adapters and binds them to the ports."""
