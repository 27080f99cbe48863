"""A trained network with all that its use needs: description, weights, scores of its own test set."""
