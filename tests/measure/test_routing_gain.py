"""A router is worth what it adds to drawing lots, at its cost, over its own arms."""

import numpy as np
import pytest

from runner.measure.like_for_like import Asked
from runner.measure.routing_gain import Cases, gain, oracle

N = 120
WEAK, STRONG = 0.001, 0.010  # dollars a request


def arms(draw: np.random.Generator, n: int = N) -> dict[str, Cases]:
    """One good on half of the cases, and a dearer one that is good on most; as 0 and 1."""
    hard = draw.random(n) < 0.5
    weak = np.where(hard, draw.random(n) < 0.15, draw.random(n) < 0.95)
    strong = draw.random(n) < 0.92
    chars = draw.integers(50, 500, n) + 400 * hard
    return {
        name: {
            str(k): Asked(float(right[k]), usd, int(chars[k])) for k in range(n)
        }
        for name, right, usd in (("weak", weak, WEAK), ("strong", strong, STRONG))
    }  # fmt: skip


def routed(found: dict[str, Cases], to_strong: np.ndarray, more: float = 0.0) -> Cases:
    """A router that has the arms' own answers, and whose classifier costs `more`."""
    return {
        case: (chosen := found["strong" if to_strong[int(case)] else "weak"][case])._replace(
            usd=(chosen.usd or 0) + more
        )
        for case in found["weak"]
    }


def test_lots_close_nothing() -> None:
    """A router that draws lots is as good as the mix, but for chance: so says the interval."""
    wrong = 0
    for seed in range(120):
        draw = np.random.default_rng(seed)
        found = arms(draw)
        lots = gain(routed(found, draw.random(N) < 0.5), found, confidence=0.95)
        assert lots and lots.share
        low, high = lots.share[1:]
        wrong += not ((low is None or low <= 0) and (high is None or high >= 0))
    assert wrong <= 6, "5 of 100"


def test_the_oracle_closes_all() -> None:
    """A router that knows which arm is right gains all there is, and every rival is beaten."""
    found = arms(np.random.default_rng(1))
    weak, strong = found["weak"], found["strong"]
    hard = np.array([strong[str(k)].quality > weak[str(k)].quality for k in range(N)])
    ideal = gain(routed(found, hard), found, confidence=0.95)
    assert ideal and ideal.share and ideal.share[0] == pytest.approx(1) and ideal.over
    assert ideal.router.quality == pytest.approx(ideal.oracle.quality)
    assert all((one.low or 0) > 0 for name, one in ideal.over.items() if name != "best")


def test_a_length_rule_is_no_better_than_itself() -> None:
    """A router that looks at nothing but the length has the length rule's answers."""
    found = arms(np.random.default_rng(2))
    chars = np.array([found["weak"][str(k)].chars for k in range(N)])
    by_length = gain(routed(found, chars >= np.quantile(chars, 0.5)), found, confidence=0.95)
    assert by_length and by_length.over and by_length.length
    assert by_length.over["length"].difference == pytest.approx(0, abs=0.02)
    assert by_length.length.arms["strong"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("seed", range(20))
def test_rivals_cost_no_more(seed: int) -> None:
    """No mix and no length rule costs more than the router, unless the cheapest arm does."""
    draw = np.random.default_rng(seed)
    found = arms(draw, 30)
    found["third"] = {
        case: Asked(float(draw.random()), float(draw.random() * STRONG), one.chars)
        for case, one in found["weak"].items()
    }
    mine = routed(found, draw.random(30) < draw.random(), more=float(draw.random() * 1e-3))
    held = gain(mine, found, confidence=0.95)
    assert held and held.mix and held.length and held.router.usd
    for rival in (held.mix, held.length):
        assert rival.usd is not None and rival.usd <= held.router.usd + 1e-12
        assert sum(rival.arms.values()) == pytest.approx(1)
    assert held.mix.quality <= held.oracle.quality + 1e-12
    best = max(np.mean([one.quality for one in cases.values()]) for cases in found.values())
    assert held.best.quality == pytest.approx(best) and held.oracle.quality >= best


def test_what_is_not_known() -> None:
    """Without costs there is no mix; cases that one of them left out are not compared."""
    found = arms(np.random.default_rng(3))
    free = {
        name: {case: one._replace(usd=None) for case, one in cases.items()}
        for name, cases in found.items()
    }
    held = gain(routed(found, np.zeros(N, bool)), free, confidence=0.95)
    assert held and held.mix is None and held.share is None and held.over is None
    few = {case: one for case, one in found["weak"].items() if int(case) < 40}
    held = gain(few, found, confidence=0.95)
    assert held and held.n == 40
    assert gain({"elsewhere": Asked(1, 0, 1)}, found, confidence=0.95) is None
    assert oracle({"weak": found["weak"]}) is None


def test_the_oracle_takes_the_cheaper_of_equals() -> None:
    """Where both arms are right the cheap one answers, and the best arm alone is the cheaper."""
    same = {str(k): Asked(1.0, STRONG, 10) for k in range(5)}
    found = oracle({"strong": same, "weak": {k: v._replace(usd=WEAK) for k, v in same.items()}})
    assert found is not None
    n, best, ideal = found
    assert n == 5 and best.arms == {"weak": 1.0} and ideal.usd == pytest.approx(WEAK)
