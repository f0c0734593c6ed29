"""Several methods on the same images: pictures side by side, numbers, and a report. Imports no torch."""
