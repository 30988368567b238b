"""`python -m runner`."""

import sys

from runner.commands.command_line import main

if __name__ == "__main__":
    sys.exit(main())
