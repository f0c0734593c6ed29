"""Downloads: resumed, checked by their hash, and safe when several processes want the same file."""
