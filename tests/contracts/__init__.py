"""What every store must keep, run against each of them."""
