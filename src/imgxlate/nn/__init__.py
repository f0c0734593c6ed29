"""Layers and networks that several methods build on."""
