"""What lies beside the tests, in a clone and where a wheel is tested without its sources.

Where `conf/` and `tasks/` are, the program says: `paths.builtin`.
"""

import os
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSTRAINTS = ROOT / "constraints.txt"
CI = ROOT / ".ci" / "run"


def environment(**more: str) -> dict[str, str]:
    """Of a process that finds what this one does, wherever it starts."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}
