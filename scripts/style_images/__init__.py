"""Style images that are drawn from random numbers, one per module."""
