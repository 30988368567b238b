"""The suite holds for a wheel, too."""

import re
from pathlib import Path

from tests.tree import ROOT

UP = re.compile(r"__file__\)(?:\.\w+\(\))?(?:\.parents\[(\d+)|((?:\.parent\b)+))")


def leaves_the_tests(path: Path) -> bool:
    """Whether it goes from its own file to where sources would be."""
    found = UP.findall(path.read_text())
    steps = [int(number) + 1 if number else names.count(".") for number, names in found]
    return max(steps, default=0) >= len(path.relative_to(ROOT).parts)


def test_one_module_knows_what_lies_beside_the_tests() -> None:
    """No test looks for sources above its own file: a wheel is tested where there are none."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    assert list(filter(leaves_the_tests, tests)) == [ROOT / "tests" / "tree.py"]
