"""The way of an image: decoding, 8-bit sRGB pictures, tensors, encoding, contact sheets."""
