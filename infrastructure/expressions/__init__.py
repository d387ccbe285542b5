"""Conditions in CEL: bounded before the interpreter sees them, and handed only the values that they speak of."""
