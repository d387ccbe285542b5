"""Locks: who may touch what, as claims on named resources in one lock space per project."""
