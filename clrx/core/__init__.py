"""What every other package stands on: errors, files, locks, signals, randomness, the terminal, the machine."""
