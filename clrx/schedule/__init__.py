"""Policies over a run: the clock they read, how they are built, stretched, checked and previewed."""
