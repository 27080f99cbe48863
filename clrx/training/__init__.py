"""Training: from a configuration and data to a finished run."""
