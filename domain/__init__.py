"""What is true: pure, synchronous rules; no I/O, no clock, no randomness."""
