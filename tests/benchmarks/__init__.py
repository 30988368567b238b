"""What the runner costs next to a bare loop over litellm: `python -m tests.benchmarks`."""
