"""Training: configuration, the loop, and the folder of a run."""
