"""What could move a decision of a mapping, and the migration that answers it."""
