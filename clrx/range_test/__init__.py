"""The learning-rate range test: its curves, the rules that read them, and the bounds it suggests."""
