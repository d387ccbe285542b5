"""The servers themselves: outages of ours that give every lease a grace."""
