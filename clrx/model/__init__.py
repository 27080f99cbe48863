"""One file an architecture or head that no library has, reached by `_target_` only."""
