"""One file a learning-rate policy, reached by `_target_` only."""
