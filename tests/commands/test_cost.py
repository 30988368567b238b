"""`cost` prints the month, figure by figure, and says where another source prints another one."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.commands.command_line import main
from runner.record.files import RUN, read_json, write_json
from tests.decide.costs.test_workload import answer, at, finish, usage, write_run

Cost = Callable[..., str]


@pytest.fixture
def cost(capsys: pytest.CaptureFixture[str]) -> Cost:
    def run(*arguments: str) -> str:
        assert main(["cost", *arguments]) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Cost:
    def run(*arguments: str) -> str:
        assert main(["cost", *arguments]) == 2
        return capsys.readouterr().err

    return run


def rows(text: str) -> dict[str, dict[str, str]]:
    """A CSV by its first column."""
    return {next(iter(row.values())): row for row in csv.DictReader(io.StringIO(text))}


# Dollars a month for 1,000,000 requests of 1,500 tokens in and 500 out, as the lesson prints them.
PRINTED = {
    "seed/gpt-4o": 8750.00,
    "seed/gpt-4o-mini": 525.00,
    "seed/sonnet": 11250.00,
    "seed/haiku": 3200.00,
    "seed/gemini-2.0-flash": 350.00,
    "seed/mistral-small": 300.00,
    "seed/llama-70b-together": 1760.00,
    "seed/llama-8b-together": 360.00,
}


def test_the_seeds_monthly_table(cost: Cost) -> None:
    """Seven of the eight rows are to the cent; Sonnet's is 1,500 x $3 + 500 x $15: $12,000."""
    found = rows(cost("scenario=seed", "format=csv"))
    expected = PRINTED | {"seed/sonnet": 4500.00 + 7500.00}
    assert {model: float(found[model]["usd_per_month"]) for model in PRINTED} == expected
    assert float(found["seed/gpt-4o"]["usd_per_request"]) == pytest.approx(0.00875)


def test_the_seeds_response_times(cost: Cost) -> None:
    """All seven rows are the time to the first token plus 500 tokens at the model's speed."""
    found = rows(cost("scenario=seed", "format=csv"))
    times = {
        model: (float(row["response_seconds"]), float(row["response_seconds_at_most"]))
        for model, row in found.items()
        if row["response_seconds"]
    }
    assert times == {
        "seed/gpt-4o": pytest.approx((6.55, 6.55)),  # printed ~6.5
        "seed/gpt-4o-mini": pytest.approx((4.367, 4.367), abs=0.001),  # ~4.4
        "seed/o3": pytest.approx((14.5, 42.5)),  # ~15 to 45
        "seed/sonnet": pytest.approx((7.543, 7.543), abs=0.001),  # ~7.5
        "seed/haiku": pytest.approx((3.533, 3.533), abs=0.001),  # ~3.5
        "seed/gemini-2.0-flash": pytest.approx((2.65, 2.65)),  # ~2.7
        "llama-70b-vllm": pytest.approx((10.2, 10.2)),  # ~10.2
    }


def test_a_wrong_figure_of_the_source_becomes_a_note(cost: Cost) -> None:
    """The one printed sum that its own prices contradict is told, with the arithmetic."""
    notes = [line for line in cost("scenario=seed").splitlines() if "prints" in line]
    assert notes == [
        "seed/sonnet: its source prints $11,250.00; 1,500 x $3 + 500 x $15 a million, "
        "1,000,000 times, is $12,000.00"
    ]


def test_notes_hold_for_the_scenario_as_it_is(cost: Cost) -> None:
    """What a source prints for a million requests says nothing about another volume."""
    assert "prints" not in cost("scenario=seed", "requests_per_month=2000000")


def test_the_seeds_routing_table(cost: Cost) -> None:
    """Single models are as printed; routed ones print $4,550 and $5,950, which no sum gives.

    70 % at $0.00075 and 30 % at $0.0125 is $4,275, at $0.018 it is $5,925; a classifier of $0.0001
    a request adds $100 to each.
    """
    text = cost("scenario=seed", "routing=true", "format=csv")
    found = {name: (row["usd_per_month"], row["savings"]) for name, row in rows(text).items()}
    assert {name: (float(usd), round(float(part), 2)) for name, (usd, part) in found.items()} == {
        "all seed/gpt-4o": (12500.0, 0.0),
        "all seed/sonnet": (18000.0, -0.44),
        "all seed/gpt-4o-mini": (750.0, 0.94),
        "routed: seed/gpt-4o-mini + seed/gpt-4o": (4375.0, 0.65),
        "routed: seed/gpt-4o-mini + seed/sonnet": (6025.0, 0.52),
    }
    before = {name: float(row["usd_before_classifier"]) for name, row in rows(text).items()}
    assert before["routed: seed/gpt-4o-mini + seed/gpt-4o"] == 4275.0
    assert before["routed: seed/gpt-4o-mini + seed/sonnet"] == 5925.0
    shown = cost("scenario=seed", "routing=true")
    assert "its source prints $4,550.00; it is $4,375.00, $4,275.00 without the cl" in shown
    assert "its source prints $5,950.00; it is $6,025.00, $5,925.00 without the cl" in shown


def test_a_classifier_is_priced_by_its_tokens(cost: Cost) -> None:
    """Without a price of its own a classification costs what its model takes for its tokens."""
    found = json.loads(cost("routing=true", "format=json"))
    assert found["classifier_usd_per_request"] == pytest.approx((1600 * 0.1 + 5 * 0.5) / 1e6)


@pytest.mark.parametrize(("day", "usd"), [("2026-12", 2625.0), ("2027-01", 5250.0)])
def test_a_month_has_the_prices_of_its_day(cost: Cost, day: str, usd: float) -> None:
    """A price that doubles at the turn of the year does so here, and before it is said."""
    asked = ["model=gemini-flash", f"day={day}", "input_tokens=1000", "format=json"]
    found = json.loads(cost(*asked))
    assert found["models"][0]["usd_per_month"] == usd
    assert any("from 2027-01-01 on" in note for note in found["notes"]) == (day == "2026-12")


def test_models_are_named_as_everywhere(cost: Cost) -> None:
    """`model=a,b` gives rows of these models, in this order."""
    assert list(rows(cost("model=gpt-4o,seed/haiku", "format=csv"))) == ["gpt-4o", "seed/haiku"]


def test_the_whole_catalogue(cost: Cost) -> None:
    """`model=all` has every model that is not in a folder, the cheapest first, unknown last."""
    found = rows(cost("model=all", "format=csv"))
    months = [row["usd_per_month"] for row in found.values()]
    known = [float(month) for month in months if month]
    assert known == sorted(known)
    assert months[: len(known)] == [month for month in months if month]
    assert "llama-70b-vllm" in found and "seed/haiku" not in found


def test_json_is_strict_and_unknown_is_null(cost: Cost) -> None:
    """JSON has null for what is unknown, with the reason, and no NaN."""
    text = cost("model=llama-70b-vllm", "format=json")
    found = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    [row] = found["models"]
    assert row["usd_per_month"] is None
    assert row["unknown"] == "no price is known"


def test_the_table_has_bars_and_question_marks(cost: Cost) -> None:
    """The dearest model has the longest bar, and an unknown cost is a question mark."""
    lines = cost("model=seed/gpt-4o,seed/haiku,llama-70b-vllm").splitlines()
    bars = {line.split()[0]: line.count("█") for line in lines if line[:1].isalpha()}
    assert bars["seed/gpt-4o"] > bars["seed/haiku"] > 0
    assert "$8,750.00" in "".join(lines)
    [unknown] = [line for line in lines if line.startswith("llama-70b-vllm ")]
    assert unknown.split()[1:3] == ["?", "?"]


def test_to_a_file(cost: Cost, tmp_path: Path) -> None:
    """`to=` writes the file and leaves the screen alone."""
    assert cost("model=gpt-4o", "format=json", f"to={tmp_path}/cost.json") == ""
    assert read_json(tmp_path / "cost.json")["models"][0]["model"] == "gpt-4o"
    assert cost("model=gpt-4o", f"to={tmp_path}/cost.txt") == ""
    assert "$8,750.00" in (tmp_path / "cost.txt").read_text()


def test_the_tokens_of_a_run(cost: Cost, tmp_path: Path) -> None:
    """`from=` takes the sizes of a run's requests, and says so."""
    run = write_run(tmp_path / "run", answer("a", usage(100, 10)), answer("b", usage(300, 31)))
    found = json.loads(cost("model=gpt-4o", "format=json", f"from={run}"))
    assert found["workload"]["input_tokens"] == 200
    assert found["models"][0]["usd_per_request"] == pytest.approx((200 * 2.5 + 20.5 * 10) / 1e6)
    assert found["notes"][0].startswith("tokens as counted in 2 answers of demo-own")


def test_what_a_dearer_model_costs_more(cost: Cost) -> None:
    """Beside the cheapest: how many times, and what that is a year; the lesson's is 37 and 40."""
    found = rows(cost("scenario=seed", "format=csv"))
    times = {name: float(row["times_cheapest"] or 0) for name, row in found.items()}
    assert times["seed/mistral-small"] == 1
    assert times["seed/sonnet"] == pytest.approx(40)
    assert float(found["seed/sonnet"]["usd_per_year_more"]) == pytest.approx(12 * 11_700)
    said = " ".join(cost("model=seed/sonnet,seed/mistral-small").split())
    assert "up to 40.0 times: seed/sonnet costs $140,400.00 a year more than seed/mis" in said
    assert "up to" not in cost("model=seed/sonnet")


def test_a_server_of_ones_own(cost: Cost, tmp_path: Path) -> None:
    """By the hour: a run of it says how fast it is, else its file does, and each says so."""
    (tmp_path / "conf/model").mkdir(parents=True)
    (tmp_path / "conf/model/mine.yaml").write_text(
        "defaults: [llama-70b-vllm, _self_]\nname: mine\n"
        "price: {usd_per_hour: 1.8, gpus: 2, utilisation: 0.5}\n"
    )
    own = ["--config-dir", str(tmp_path / "conf"), "model=mine", f"outputs={tmp_path}/outputs"]
    said = " ".join(cost(*own).split())
    assert "mine: $1.8 an hour x 2, 50% at work, 50 tokens a second: typical of one" in said
    assert "$20,000.00" in said  # 500 tokens in 10 s of $0.002, a million times
    (tmp_path / "outputs/runs").mkdir(parents=True)
    run = write_run(
        tmp_path / "outputs/runs/a",
        answer("a", usage(5, 1000), sent=at(0), seconds=4.0),
        answer("b", usage(5, 1000), sent=at(0), seconds=4.0),
    )
    record = read_json(run / RUN)
    asked = {
        "id": "meta-llama/Meta-Llama-3.1-70B-Instruct",
        "provider": {"name": "vllm", "litellm": "hosted_vllm", "data": "self_hosted"},
    }
    about = {"identity": "i", "task": "demo", "model": "mine", "id": asked["id"], "outcomes": 2,
             "started": at(0), "command": "", "cases": {}}  # fmt: skip
    write_json(run / RUN, record | about | {"config": {"model": asked}})
    finish(run)
    said = " ".join(cost(*own).split())
    assert "500 tokens a second: 2.0 requests at once in " in said
    assert "$2,000.00" in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["model=haiko"], "models: no model 'haiko'; did you mean 'haiku'?"),
        (["input_token=1"], "input_token: no such key; did you mean 'input_tokens'?"),
        (["router.simpel=haiku"], "router.simpel: no such key; did you mean 'simple'?"),
        (["scenario=sead"], "scenario=sead: no such scenario; did you mean 'seed'?"),
        (
            ["scenario=../../x"],
            "scenario=../../x: an option is the name of a file",
        ),
        (["cached_share=2"], "cached_share: input should be less than or equal to 1"),
        (["format=xml"], "format: input should be 'table', 'csv' or 'json'"),
        (["from=nowhere"], "from: nowhere: is no run"),
        (["haiku"], "haiku: is no override; write key=value"),
        (["routing=true", "router.input_tokens=1"], "router: give both of input_tokens and"),
        (["input_tokens=0", "output_tokens=0"], "config: input_tokens and output_tokens: one"),
    ],
)
def test_bad_input_is_a_line(refused: Cost, arguments: list[str], problem: str) -> None:
    """What is wrong is said in one line, with what would be right, and exit code 2."""
    [line] = refused(*arguments).splitlines()
    assert line.startswith(f"runner: {problem}")


def test_a_users_own_files(cost: Cost, refused: Cost, tmp_path: Path) -> None:
    """A model and a scenario of one's own come from --config-dir; a bad key has its file's name."""
    files: dict[str, Any] = {
        "model/mine.yaml": "defaults: [/base/model@_here_, /provider: openai, _self_]\n"
        "name: mine\nid: mine-1\ncontext_tokens: 10\n"
        "price: {input_usd_per_mtok: 1, output_usd_per_mtok: 1, checked: 2026-01-01, source: x}",
        "model/bad.yaml": "defaults: [mine, _self_]\ncontxt_tokens: 1",
        "model/pair.yaml": "kind: router\nname: pair",
        "scenario/cost/small.yaml": "# @package _global_\nmodels: [mine]\nrequests_per_month: 10",
        "scenario/cost/leak.yaml": "# @package _global_\nnotes: ['${oc.env:LOOPBACK_API_KEY}']",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    own = ["--config-dir", str(tmp_path)]
    assert rows(cost(*own, "scenario=small", "format=csv"))["mine"]["usd_per_month"] == "0.02"
    assert "model=bad: contxt_tokens: no such key" in refused(*own, "model=bad")
    assert "models: pair is made of models" in refused(*own, "model=pair")
    assert "never reads the environment" in refused(*own, "scenario=leak")
