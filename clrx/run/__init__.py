"""A run directory: its files, its state, and what is read back from it."""
