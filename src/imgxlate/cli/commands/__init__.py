"""One module a command. What they need of torch is imported inside the functions that run."""
