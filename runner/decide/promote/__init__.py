"""A decision on record, and whether it still holds."""
