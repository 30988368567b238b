"""Every provider against every behaviour; `python -m tests.providers` prints the same."""

import pytest

from runner.drill.clock import simulate
from tests.loopback.formats import FORMATS
from tests.providers.calls import NotThere
from tests.providers.checks import CHECKS, cell
from tests.providers.table import CONF, FACTS, KEY, KEY_NAME, Row


@pytest.mark.parametrize("behaviour", CHECKS)
@pytest.mark.parametrize("provider", FACTS)
def test_cell(provider: str, behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider behaves, or it is on record why it can't."""
    monkeypatch.setenv(KEY_NAME, KEY)
    try:
        simulate(cell(Row(provider), CHECKS[behaviour]))
    except NotThere as hole:
        assert str(hole)


def test_no_provider_is_left_out() -> None:
    """Each provider of conf/ has its row, and a server that speaks like it."""
    configured = {path.stem for path in CONF.glob("*.yaml")}
    assert configured == set(FACTS) == set(FORMATS)


@pytest.mark.parametrize("provider", FACTS)
def test_address(provider: str) -> None:
    """What conf/ has for a provider is the format and the base address that its server takes."""
    row = Row(provider)
    assert row.configured()["litellm"] == row.speaks.litellm
    assert str(row.model("http://nowhere").provider.api_base).endswith(row.speaks.base_path)
