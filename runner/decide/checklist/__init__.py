"""Is a decision ready? Each line is computed from what is on record, or answered by people."""
