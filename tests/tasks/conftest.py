"""What the planted baselines got, as a table at the end of the tests' output."""

from collections.abc import Callable

import pytest


@pytest.fixture
def baseline(record_property: Callable[[str, object], None]) -> Callable[[str, str, float], None]:
    """Holds a baseline's mean quality below 0.6, and puts it into the table."""

    def hold(task: str, what: str, quality: float) -> None:
        record_property("baseline", f"{task:<16} {what:<28} {quality:.3f}")
        assert quality < 0.6, (task, what, quality)

    return hold
