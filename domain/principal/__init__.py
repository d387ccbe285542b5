"""Principals, their roles and the keys issued to them."""
