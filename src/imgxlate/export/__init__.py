"""What a file of weights holds, and writing models for other programs."""
