"""Weights: what exists, fetching it, and keeping it on this machine."""
