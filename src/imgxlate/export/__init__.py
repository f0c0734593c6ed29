"""Files of weights: what they hold, importing them, and exporting models for other programs."""
