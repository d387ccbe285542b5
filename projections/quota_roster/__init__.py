"""The roster of credential pools: whether the quota of each is there."""
