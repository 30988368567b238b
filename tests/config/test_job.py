"""Every model of a job can be put somewhere else, however deep it stands."""

from collections.abc import Callable
from typing import Any

from runner.config.schema import Job, Single
from tests.conftest import model

MakeJob = Callable[..., Job]


def test_every_single_is_replaced(make_job: MakeJob) -> None:
    """Arms, classifiers, checks, fallbacks and judges are all reached, and nothing else changes."""

    def single(name: str) -> dict[str, Any]:
        return model("http://127.0.0.1:9/v1", name)

    steps = {
        "kind": "cascade",
        "name": "steps",
        "arms": {"cheap": single("a"), "strong": single("b")},
        "checks": {"judge": {"model": single("c"), "rubric": "?"}},
    }
    routed = {
        "kind": "router",
        "name": "routed",
        "classifier": single("d"),
        "system": "?",
        "sampling": {"max_tokens": 5},
        "arms": {"x": steps},
        "otherwise": "x",
    }
    job = make_job(
        "",
        model={"kind": "split", "name": "ab", "weights": {"r": 1}, "arms": {"r": routed}},
        fallback={"name": "f", "chain": {"first": single("e")}, "on": ["timeout"]},
        **{"task.scorers": {"judge": {"model": single("f"), "rubric": "?"}}},
    )
    seen: list[str] = []

    def moved(single: Single) -> Single:
        seen.append(single.name)
        return single.at(f"http://127.0.0.1:1/{single.name}")

    new = job.with_singles(moved)
    assert sorted(seen) == list("abcdef")
    assert {m.name: m.provider.api_base for m in new.models.values()} == {
        name: f"http://127.0.0.1:1/{name}" for name in "abcdef"
    }
    back = new.with_singles(lambda single: single.at("http://127.0.0.1:9/v1"))
    assert back == job
