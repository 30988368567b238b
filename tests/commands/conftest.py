"""The user's own conf/, cases and provider of the command line's tests, for those of commands."""

from tests.test_cli import home, runner, server

__all__ = ["home", "runner", "server"]
