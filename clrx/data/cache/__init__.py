"""Decoded images on disk: one memory-mapped uint8 array per dataset, size and number of channels."""
