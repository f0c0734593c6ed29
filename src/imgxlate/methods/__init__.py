"""Methods: what each says of itself, the door they come through, and one package each."""
