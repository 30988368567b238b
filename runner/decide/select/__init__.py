"""Which models are worth measuring: the decision tree, the bounds, the shortlist."""
