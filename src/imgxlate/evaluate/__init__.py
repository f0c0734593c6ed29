"""Several methods on the same images: the images side by side, numbers, and a report. Imports no torch."""
