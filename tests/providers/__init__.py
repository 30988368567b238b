"""What must be true of each provider on the wire: `python -m tests.providers` prints it."""
