"""Methods: their specs, their protocols, the registry that finds them, and a package for each."""
