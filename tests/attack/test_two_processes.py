"""Two processes at once: they share a budget to the cent, and none does the work of the other."""

import json
import os
import random

import pytest

from tests.attack.conftest import CASES, COST_USD, Place, answer
from tests.attack.test_kills import COMMANDS

SEEDS = range(max(1, int(os.environ.get("KILLS", "20")) // 20))
SHARED = "budget_dir=shared"


def reserved_usd(place: Place) -> float:
    """By the dearest request."""
    lines = (place.home / "shared" / "spent.jsonl").read_text().splitlines()
    return max(float(json.loads(line)["usd"]) for line in lines)


def test_shared_budget(place: Place) -> None:
    """Both together are billed no more than the cap, and stop when no request is sure to fit."""
    cap_usd = 20 * COST_USD
    capped = SHARED, f"budget_usd={cap_usd}"
    both = [place.start(*COMMANDS["cascade"], *capped, f"seed={n}") for n in range(2)]
    codes = [each.ended() for each in both]
    assert codes == [4, 4], [each.said for each in both]
    assert all("is spent by all that share it" in each.said for each in both)
    assert cap_usd - reserved_usd(place) < place.billed_usd <= cap_usd


@pytest.mark.parametrize("seed", SEEDS)
def test_shared_budget_over_kills(place: Place, seed: int) -> None:
    """Whoever of them is killed, and whatever it had in flight, the provider bills no more."""
    draw, cap_usd = random.Random(seed), 40 * COST_USD
    capped = SHARED, f"budget_usd={cap_usd}"
    for _ in range(3):
        other = place.start(*COMMANDS["sweep"], *capped)
        killed = place.stuck(*COMMANDS["judged"], *capped, after=draw.randint(2, 8))
        assert killed.killed() in (-9, 4)
        place.server.answer = answer
        other.killed()
    both = [place.start(*COMMANDS[name], *capped) for name in ("sweep", "judged")]
    assert {each.ended() for each in both} <= {0, 4}, [each.said for each in both]
    assert place.billed_usd <= cap_usd
    assert len(place.server.requests) <= len(place.attempts)


@pytest.mark.parametrize("name", ["eval", "sweep", "run"])
def test_the_same_twice(place: Place, name: str) -> None:
    """Started while it is under way, a command says so and asks nothing; unless it is told to."""
    first = place.stuck(*COMMANDS[name], after=1)
    before = [run.directory for run in place.runs]
    second = place.start(*COMMANDS[name])
    assert second.ended() == 2
    assert "another process is at work on the very same" in second.said
    assert len(second.said.splitlines()) == 1
    assert [run.directory for run in place.runs] == before
    place.server.answer = answer
    also = [*COMMANDS[name], *(["output=other.jsonl"] if name == "run" else []), "duplicate=true"]
    third = place.start(*also)
    assert third.ended() == 0, third.said
    assert first.killed() == -9
    assert len(place.server.requests) > CASES
