"""Bundles: the log, or a part of it, in files that can be verified with nothing but themselves and a public key."""
