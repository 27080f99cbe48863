"""One file a command; each `task(cfg)` reads top to bottom."""
