"""One module per command. Code that needs torch is imported inside the functions that run."""
