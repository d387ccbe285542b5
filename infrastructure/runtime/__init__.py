"""What runs in a node: executor, projector, reactor, ticker, liveness, wake-up."""
