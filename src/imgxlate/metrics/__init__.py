"""Numbers for translated images: realism of a set, diversity, likeness to the input and to style images."""
