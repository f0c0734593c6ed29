"""From image files to tensors and back: decoding, 8-bit sRGB arrays, tensors, encoding, contact sheets."""
