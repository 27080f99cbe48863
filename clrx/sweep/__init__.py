"""Many runs: their list, their processes, their progress, and search over settings."""
