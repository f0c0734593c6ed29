"""Unpaired training data: two folders of images, drawn independently, as a function of seed and step."""
