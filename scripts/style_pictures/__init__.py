"""Style pictures drawn from random numbers: one module a picture."""
