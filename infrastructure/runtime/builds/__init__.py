"""Generations of read models beside the live ones: built, compared, promoted, taken back."""
