"""A whole run: planned, asked, scored and kept; start with run.py."""
