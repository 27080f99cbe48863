"""From a command line to typed configuration."""
