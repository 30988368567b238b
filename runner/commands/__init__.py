"""What can be said after `python -m runner`: one file a command."""
