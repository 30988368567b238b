"""The suite holds for a wheel, too."""

import re

from tests.tree import ROOT

CLIMBING = re.compile(r"__file__\)(\.resolve\(\)|\.absolute\(\))?\.(parents|parent\.parent)")


def test_one_module_knows_what_lies_beside_the_tests() -> None:
    """No test looks for sources above its own file: a wheel is tested where there are none."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    climbing = [str(path.relative_to(ROOT)) for path in tests if CLIMBING.search(path.read_text())]
    assert climbing == ["tests/tree.py"]
