"""A race over real sockets: who can't win is asked no more, and nothing is asked twice."""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from math import nan
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.measure.anytime import shared_tail
from runner.pipeline import race
from runner.record.outcomes import Raced
from runner.record.run import Run
from tests import loopback
from tests.commands.test_command_line import MODEL, PROVIDER, TASK
from tests.conftest import KEY, write_cases
from tests.loopback import Loopback
from tests.tree import environment

CASES, CONCURRENCY = 160, 4
# Of each model the share that it answers right, and its price beside that of the others.
PLANTED = {"weak": (0.4, 0.5), "good": (1.0, 1.0), "dear": (1.0, 30.0), "poor": (0.5, 2.0)}
COMMAND = ["--config-dir", "conf", "-m", "task=demo", f"model={','.join(PLANTED)}", "race=true"]
COMMAND += ["requirements=base", "requirements.min_quality_score=0.8", f"concurrency={CONCURRENCY}"]
COMMAND += ["requirements.bounds.error_rate.max=0.1", "task.sampling.max_tokens=24"]


def planted(request: loopback.Request) -> loopback.Answer:
    """Right or wrong by the model's skill, the same each time that it is asked the same."""
    skill = PLANTED[request.model.removesuffix("-2026-01-01")][0]
    drawn = sha256(f"{request.model} {request.text}".encode()).digest()[0] / 256
    return loopback.text(request.text if drawn < skill else "no")


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(planted) as server:
        yield server


@pytest.fixture
def place(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"provider/loop": PROVIDER.format(base_url=server.base_url), "task/demo": TASK}
    for name, (_, price) in PLANTED.items():
        text = MODEL.format(name=name).replace("_mtok: 1.0", f"_mtok: {price}")
        files[f"model/{name}"] = text.replace("_mtok: 2.0", f"_mtok: {2 * price}")
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stops(place: Path) -> dict[str, tuple[str | None, str | None, int, str | None]]:
    """Of each candidate why it was asked no more, who beat it, its cases and its tier."""
    rows = result(place)["runs"]
    return {
        row["model"]: (
            row["race"]["stopped"],
            row["race"]["beaten_by"],
            row["counts"]["cases"],
            row["tier"],
        )
        for row in rows
    }


def result(place: Path) -> dict[str, Any]:
    [sweep] = (place / "outputs" / "sweeps").glob("*")
    return dict(json.loads((sweep / "result.json").read_text()))


def test_a_race_ends_where_the_cheapest_proven_one_is_known(
    place: Path, server: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Losers are dropped early, the dearer one once the cheaper is proven, by whom is said; all
    records are whole, and figures stand beside the number of their cases."""
    assert main(COMMAND) == 0
    found, shown = stops(place), capsys.readouterr().out
    assert {model: tier for model, (*_, tier) in found.items()} == {
        "good": "proven",
        "dear": found["dear"][3],
        "weak": "refused",
        "poor": "refused",
    }
    assert {found[model][0] for model in ("weak", "poor")} == {"misses min_quality_score"}
    assert found["dear"][1] == "good"
    assert max(found[model][2] for model in ("weak", "poor")) < found["good"][2] < CASES
    asked = Counter(request.model.removesuffix("-2026-01-01") for request in server.requests)
    assert asked == {model: cases for model, (_, _, cases, _) in found.items()}
    said = result(place)["recommendations"]["demo"]
    assert said["choice"] == "good"
    assert f"asked {len(server.requests)} of {len(PLANTED) * CASES} questions" in said["race"][0]
    assert "own number of cases (good" in shown.replace("\n", " ")
    [sweep] = (place / "outputs" / "sweeps").glob("*")
    assert main(["rescore", str(sweep), "--config-dir", "conf", "requirements.bounds={}"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "since it misses min_quality_score, as it was scored then" in shown
    assert "left out by the scores and thresholds of then" in shown
    surer = ["--config-dir", "conf", "requirements.confidence=0.999"]
    assert main(["rescore", str(sweep), *surer]) == 0
    newest = max((place / "outputs" / "sweeps").glob("*_rescored"))
    rows = json.loads((newest / "result.json").read_text())["runs"]
    # Quality, errors, and fallbacks, which base bounds.
    assert {row["race"]["tail"] for row in rows} == {shared_tail(0.999, len(PLANTED), 3)}
    for path in sweep.glob("*_demo-*"):
        run = Run(path)
        assert run.ended
        assert run.result is not None
        assert run.result.complete
        assert run.measurement.outcomes == len(list(run.outcomes()))


def test_the_last_look_proves_more(place: Path, server: Loopback) -> None:
    """Of so few cases no look on the way proves anything: the one at the end, at all, does."""
    assert main([*COMMAND, "limit=64"]) == 0
    assert stops(place)["good"][2:] == (64, "proven")
    assert result(place)["best"] == {"demo": "good"}
    assert max(stops(place)[model][2] for model in ("weak", "poor")) < 64


def test_a_killed_race_goes_on(place: Path, server: Loopback, tmp_path: Path) -> None:
    """Killed half-way it comes to the same end, and asks nothing twice but what was in flight."""
    server.answer = lambda request: planted(request) if request.number <= 100 else loopback.hang()
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *COMMAND],
        env=environment(LOOPBACK_API_KEY=KEY),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    server.wait_for(101, timeout=120)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    server.answer = planted
    assert main(COMMAND) == 0
    found = stops(place)
    asked = Counter((request.model, request.text) for request in server.requests)
    assert sum(asked.values()) - len(asked) <= CONCURRENCY * len(PLANTED)
    assert len(asked) == sum(cases for _, _, cases, _ in found.values())
    (place / "outputs").rename(place / "killed")
    assert main(COMMAND) == 0
    assert stops(place) == found


def test_a_budget_stops_a_race_and_a_higher_one_goes_on(place: Path, server: Loopback) -> None:
    """What is spent is spent for all of them; with more the same command ends it."""
    assert main([*COMMAND, "budget_usd=0.02"]) == 4
    spent = len(server.requests)
    assert main([*COMMAND, "budget_usd=5"]) == 0
    found = stops(place)
    assert found["good"][3] == "proven"
    assert len(server.requests) == sum(cases for _, _, cases, _ in found.values()) > spent


def test_the_dearest_case_is_known_before_it_is_asked(place: Path, server: Loopback) -> None:
    """What a request can cost at most is that of all cases, though who loses is not asked each."""
    file = place / "tasks" / "demo.jsonl"
    cases = [json.loads(line) for line in file.read_text().splitlines()]
    last = max(cases, key=lambda case: sha256(case["id"].encode()).digest())
    last["input"] = last["expected"] = "long " * 1000
    file.write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    assert main([*COMMAND, "requirements.max_cost_per_request=0.002"]) == 0
    asked = [request.text for request in server.requests if request.model.startswith("weak")]
    assert 0 < len(asked) < CASES
    assert last["input"] not in asked
    [weak] = [row for row in result(place)["runs"] if row["model"] == "weak"]
    [verdict] = [each for each in weak["verdicts"] if each["requirement"] == "max_cost_per_request"]
    assert weak["metrics"]["cost_per_request_usd"]["most"] > 0.5 * 5000 / 1e6  # a token a byte
    assert verdict["verdict"] == "not proven"


EASY = [each for each in COMMAND if not each.startswith(("model=", "requirements.", "race="))]
EASY += ["model=good,dear", "requirements.min_quality_score=0.3", "race=true", "limit=20"]
EASY += ["requirements.bounds.error_rate.max=0.6", "++retry.breaker.cooling=0.1"]


def elsewhere(place: Path, model: str, base_url: str) -> None:
    """The model is served by a provider of its own."""
    text = PROVIDER.format(base_url=base_url).replace("name: loop", "name: other")
    (place / "conf" / "provider" / "other.yaml").write_text(text)
    file = place / "conf" / "model" / f"{model}.yaml"
    file.write_text(file.read_text().replace("/provider: loop", "/provider: other"))


def test_who_can_t_be_reached_is_no_end_of_a_race(place: Path) -> None:
    """Requests that never left are no outcomes: the others race on, and one of them is proven."""
    elsewhere(place, "dear", "http://127.0.0.1:9/v1")
    assert main([*EASY, "retry.total=1"]) == 4
    rows = {row["model"]: row for row in result(place)["runs"]}
    assert rows["good"]["tier"] == "proven"
    assert "other is down" in rows["dear"]["error"]
    said = result(place)["recommendations"]["demo"]["race"][0]
    assert said.startswith("The race is not over, dear could not be measured: so far it asked")


def test_a_race_goes_on_with_who_was_down(place: Path, server: Loopback) -> None:
    """The same command asks nobody again who has answered, and comes to the usual end."""
    with Loopback(lambda _: loopback.overloaded()) as other:
        elsewhere(place, "dear", other.base_url)
        assert main([*EASY, "retry.total=1"]) == 4
        refused = len(other.requests)
        other.answer = planted
        main([*EASY, "retry.total=1"])  # one that was refused for so long may be on record as such
        assert stops(place)["dear"][1] == "good"
        for requests in (server.requests, other.requests[refused:]):
            asked = Counter(request.text for request in requests)
            assert asked
            assert set(asked.values()) == {1}


def test_nobody_waits_for_a_provider_that_is_down(place: Path, server: Loopback) -> None:
    """The others go on without it; once it is back, it is asked what they were."""

    def late(request: loopback.Request) -> loopback.Answer:
        done = len(server.requests) == 20  # all that the other is asked
        return planted(request) if done else loopback.overloaded()

    with Loopback(late) as other:
        elsewhere(place, "dear", other.base_url)
        assert main(EASY) == 0
    found = stops(place)
    assert found["dear"][1] == "good"
    assert found["dear"][2] < found["good"][2] == 20


def lane(*seen: list[float], most_usd: float | None) -> Any:
    """As far as two are held against each other."""
    return SimpleNamespace(seen=seen, most_usd=most_usd, race=Raced(candidates=2, tail=0.01))


def result_with(*requirements: str) -> Any:
    return SimpleNamespace(verdicts=[SimpleNamespace(requirement=one) for one in requirements])


DEAR, CHEAP = [0.01, 0.0, 1.0], [0.001, 0.0, 1.0]  # cost, failed, quality


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("other", "worse"),
    [
        ([CHEAP] * 60, True),
        ([CHEAP] * 6, False),  # of cases that both were asked these are too few
        ([], False),
        ([*[CHEAP] * 59, [nan, nan, nan]], False),  # nobody knows what that one cost
        ([*[CHEAP] * 59, [0.01, 1.0, 0.0]], True),  # paid for, and not answered
        ([*[CHEAP] * 20, *[[0.01, 1.0, 0.0]] * 40], False),
    ],
)
def test_costs_held_against_each_other(other: list[list[float]], worse: bool) -> None:
    """On what both were asked; an unknown cost decides nothing, a failure saves nothing."""
    one = lane(*[DEAR] * 60, most_usd=0.1)
    found = race._worse(one, lane(*other, most_usd=0.01), result_with("min_quality_score"))
    assert found == worse


@pytest.mark.parametrize(("unknown", "worse"), [(0, True), (20, True), (58, False)])
def test_quality_held_against_each_other(unknown: int, worse: bool) -> None:
    """Where nothing costs anything: of a score that nobody knows the worst is taken."""
    free = [0.0, 0.0, 0.0]
    other = [[0.0, 0.0, nan]] * unknown + [[0.0, 0.0, 1.0]] * (60 - unknown)
    one = lane(*[free] * 60, most_usd=0.0)
    found = race._worse(one, lane(*other, most_usd=0.0), result_with("min_quality_score"))
    assert found == worse


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["task=demo", "model=good", "race=true"], "race: it takes several candidates"),
        ([*COMMAND[2:], "hydra/launcher=basic"], "race: it takes one process"),
        (["-m", "task=demo", "model=good,dear", "race=true,false"], "race: a sweep races as a"),
        (["-m", "task=demo", "model=good", "limit=9,8", "race=true"], "have to get the same cases"),
    ],
)
def test_what_is_no_race_is_refused(
    place: Path,
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    """In one line, before anything is asked."""
    assert main(["--config-dir", "conf", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert not server.requests
