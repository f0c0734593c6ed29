"""Style images drawn from random numbers, one in each module."""
