"""A process is killed wherever it is: nothing is lost, nothing is paid for twice, no cap breaks.

More of it, with other seeds: KILLS=1000 python -m pytest tests/attack
"""

import json
import os
import random
import signal
from collections import Counter

import pytest

from runner.decide.spend import Sum, read
from tests import loopback
from tests.attack.conftest import CASES, COST_USD, Place, answer
from tests.loopback import Answer, Request

KILLS = int(os.environ.get("KILLS", "20"))
COMMANDS = {
    "eval": ("task=plain", "model=first"),
    "judged": ("task=demo", "model=first"),
    "cascade": ("task=plain", "model=steps"),
    "talk": ("task=talk", "model=first"),
    "sweep": ("-m", "task=plain", "model=first,strong"),
    "run": ("run", "task=plain", "model=first", "input=in.jsonl", "output=out.jsonl"),
}
# What each asks where nobody kills it, by model.
NEEDED = {
    "eval": {"first": CASES},
    "judged": {"first": CASES, "strict": CASES},
    "cascade": {"first": CASES, "strong": CASES},
    "talk": {"first": 3 * CASES},
    "sweep": {"first": CASES, "strong": CASES},
    "run": {"first": CASES},
}
SIGNALS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 130}  # and the exit codes
SEEDS = range(max(1, KILLS // 20))


def in_flight(place: Place) -> tuple[int, float]:
    found = sum(read(place.home / "outputs").by("model", since=None).values(), Sum())
    return found.in_flight, found.in_flight_usd


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", COMMANDS)
def test_killed_at_any_time(place: Place, name: str, seed: int) -> None:
    """Four times killed, then left alone: every answer is there and was paid for once, and what
    was under way at a kill stands on record as that. Counted at the server."""
    draw = random.Random(f"{name} {seed}")
    for _ in range(4):
        number = draw.choice([*SIGNALS, signal.SIGKILL])
        stuck = place.stuck(*COMMANDS[name], after=draw.randint(0, 2))
        assert stuck.killed(number) == SIGNALS[number], stuck.said
    place.server.answer = answer
    last = place.start(*COMMANDS[name])
    assert last.ended() == 0
    # `run` says there how it ended.
    assert all(" answered, 0 failed; " in line for line in last.said.splitlines()), last.said
    attempts = place.attempts
    known = Counter(each.model for each in attempts if not each.in_flight)
    assert known == NEEDED[name]
    assert len(place.server.requests) <= len(attempts)
    if name == "run":
        lines = map(json.loads, (place.home / "out.jsonl").read_text().splitlines())
        assert [line["output"] for line in lines] == [f"text {n}" for n in range(CASES)]
    else:
        assert all(map(place.done, place.runs))
        assert len(place.runs) == (2 if name == "sweep" else 1)


@pytest.mark.parametrize(
    ("name", "slow"), [("judged", "strict"), ("cascade", "strong")], ids=["judge", "next arm"]
)
def test_what_comes_after_an_answer(place: Place, name: str, slow: str) -> None:
    """An answer is on disk before its judge, or the next arm, is asked: after a kill it is asked
    no more, and what waited is."""

    def silent(request: Request) -> Answer:
        return loopback.hang() if request.model.startswith(slow) else answer(request)

    place.server.answer = silent
    options = *COMMANDS[name], "concurrency=4"
    started = place.start(*options)
    place.server.wait_for(8)  # four answers, and what comes after them
    started.killed()
    answers, (count, at_most_usd) = place.asked["first"], in_flight(place)
    assert place.asked[slow] == count == 4
    assert at_most_usd >= count * COST_USD
    place.server.answer = answer
    last = place.start(*options)
    assert (last.ended(), last.said) == (0, "")
    assert (answers, place.asked["first"]) == (4, CASES)
    assert [place.done(run) for run in place.runs] == [True]
    assert in_flight(place) == (count, at_most_usd)


@pytest.mark.parametrize("seed", SEEDS)
def test_cap_over_kills(place: Place, seed: int) -> None:
    """However often it is killed and begun again under one cap, the provider bills no more."""
    draw, cap_usd = random.Random(seed), 25 * COST_USD
    options = *COMMANDS["cascade"], f"budget_usd={cap_usd}", f"seed={seed}"
    codes = []
    while 4 not in codes:
        codes.append(place.stuck(*options, after=draw.randint(1, 4)).killed())
    assert set(codes) == {4, -signal.SIGKILL}
    assert place.billed_usd <= cap_usd
    recorded = sum(each.worst_usd or each.cost_usd or 0.0 for each in place.attempts)
    assert place.billed_usd <= recorded + 1e-12
