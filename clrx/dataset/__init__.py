"""One file a dataset, reached by `_target_` only."""
