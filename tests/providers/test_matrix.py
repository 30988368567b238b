"""Every provider against every behaviour; `python -m tests.providers` prints the same."""

import pytest

from runner.drill.clock import simulate
from tests.loopback.formats import FORMATS
from tests.providers.calls import Bench, NotThere
from tests.providers.checks import CHECKS, cell
from tests.providers.compiling import rendered
from tests.providers.planted import CHANGES, planted
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


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_planted_change(provider: str, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were litellm to send other than a template says, the cell of that would be red."""
    monkeypatch.setenv(KEY_NAME, KEY)

    async def changed(row: Row, bench: Bench) -> str:
        return await rendered(row, bench, planted(CHANGES[change]))

    with pytest.raises(AssertionError):
        simulate(cell(Row(provider), changed))


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
