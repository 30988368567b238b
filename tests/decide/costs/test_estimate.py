"""What a job will ask and cost, said before anything is sent."""

import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.calls.translate import _import_litellm, count_tokens
from runner.cases import attachments
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.commands.command_line import main
from runner.config.loading import validate
from runner.config.schema import Job, Sampling, Single
from runner.decide.costs import estimate
from runner.decide.costs.amounts import Amount, Range
from runner.decide.costs.estimate import FALLBACK, CostEstimate
from runner.pipeline.plan import prepare
from runner.report.estimate import terminal
from tests import loopback
from tests.commands.test_command_line import MODEL, PROVIDER, RETRY, TASK
from tests.conftest import model, write_cases
from tests.loopback import Loopback

URL = "http://127.0.0.1:9/v1"
CASES, MAX_TOKENS = 4, 64  # of the job in conftest
SORTING = {"system": "simple or complex?", "sampling": {"max_tokens": 5}, "otherwise": "complex"}
TABLE = "candidate"

Of = Callable[..., Any]


def priced(name: str, input_usd: float | None, output_usd: float | None) -> dict[str, Any]:
    price = model(URL)["price"] | {
        "input_usd_per_mtok": input_usd,
        "output_usd_per_mtok": output_usd,
        "cached_input_usd_per_mtok": None,
    }
    return model(URL, name) | {"price": price}


def composite(kind: str, **changes: Any) -> dict[str, Any]:
    arms = {"simple": priced("small", 1, 2), "complex": priced("big", 10, 20)}
    return {"kind": kind, "name": "made", "arms": arms} | changes


@pytest.fixture
def of(config: dict[str, Any]) -> Of:
    """The estimate of the config's job with other `sections`, or other keys of its task."""

    async def found(task: dict[str, Any] | None = None, **sections: Any) -> CostEstimate:
        changed = config | sections | {"task": config["task"] | (task or {}), "estimate": True}
        return await estimate.of(prepare(validate(changed)))

    return found


def about(usd: float) -> Any:
    return pytest.approx(usd)


def prompt_tokens(*texts: str) -> int:
    """As litellm counts: messages of a few tokens of their own each, and three for the whole."""
    litellm = _import_litellm()
    messages = [{"role": "user", "content": text} for text in texts]
    return sum(litellm.token_counter(model="demo", messages=[message]) for message in messages)


INPUTS = [f"text {number}" for number in range(CASES)]


async def test_single_model(of: Of) -> None:
    """Input is what litellm counts; output and dollars go from nothing to max_tokens."""
    tokens_in, tokens_out = prompt_tokens(*INPUTS), CASES * MAX_TOKENS
    assert (await of()).parts == {
        "answer": Range(
            Amount(CASES, tokens_in, 0, about(tokens_in * 1e-6)),
            Amount(CASES, tokens_in, tokens_out, about((tokens_in + 2 * tokens_out) / 1e6)),
        )
    }


async def test_repeats(of: Of) -> None:
    """Every repeat is asked."""
    assert (await of(repeats=3)).range.low.calls == 3 * CASES


async def test_unknown_price(of: Of) -> None:
    """What is not known is None and named; an end that is known is kept."""
    found = await of(model=model(URL) | {"price": None})
    assert (found.range.low.usd, found.range.high.usd) == (None, None)
    assert found.notes == ("demo-model: its price is unknown",)
    half = await of(model=priced("half", 1, None))
    assert half.range.low.usd == about(prompt_tokens(*INPUTS) * 1e-6)
    assert half.range.high.usd is None


async def test_free_model(of: Of) -> None:
    """Free is exactly 0."""
    found = (await of(model=priced("free", 0, 0))).range
    assert (found.low.usd, found.high.usd) == (0, 0)


async def test_long_prompts_cost_more(of: Of) -> None:
    """A prompt beyond the price's limit is paid for at the price of long prompts."""
    tested = priced("long", 1, 2)
    tested["price"]["long_prompt"] = {
        "above_tokens": 5,
        "input_usd_per_mtok": 100,
        "output_usd_per_mtok": 200,
    }
    found = (await of(model=tested)).range
    assert found.low.usd == about(prompt_tokens(*INPUTS) * 100e-6)
    assert found.high.usd == about(found.low.usd + CASES * MAX_TOKENS * 200e-6)


async def test_router(of: Of) -> None:
    """A classifier is asked for each case, then the cheapest arm or the dearest."""
    routed = composite("router", classifier=priced("sorter", 3, 4), **SORTING)
    parts = (await of(model=routed)).parts
    answers, sorting = parts["answer"], parts["classifier"]
    tokens_in, tokens_out = prompt_tokens(*INPUTS), CASES * MAX_TOKENS
    assert answers.low == Amount(CASES, tokens_in, 0, about(tokens_in * 1e-6))
    assert answers.high.usd == about((10 * tokens_in + 20 * tokens_out) / 1e6)
    assert answers.high.calls == CASES
    assert (sorting.low.calls, sorting.high.output_tokens) == (CASES, CASES * 5)
    assert sorting.low.usd == about(3e-6 * sorting.low.input_tokens)


async def test_an_arm_of_unknown_price(of: Of) -> None:
    """Where one way costs nobody knows what, neither end is known."""
    routed = composite("router", rules=[{"arm": "simple", "max_chars": 9}], **SORTING)
    routed["arms"]["simple"]["price"] = None
    found = (await of(model=routed)).range
    assert (found.low.usd, found.high.usd) == (None, None)


async def test_split(of: Of) -> None:
    """An arm without weight is no way that an answer may go."""
    split = composite("split", weights={"simple": 1, "complex": 0})
    found = (await of(model=split)).range
    assert found == (await of(model=priced("small", 1, 2))).range


async def test_cascade(of: Of) -> None:
    """At the least the first arm's answers stand; at the most every arm is asked, samples too."""
    steps = composite("cascade", self_consistency={"samples": 3})
    found = (await of(model=steps)).range
    assert (found.low.calls, found.high.calls) == (3 * CASES, 4 * CASES)
    tokens_in, tokens_out = prompt_tokens(*INPUTS), CASES * MAX_TOKENS
    assert found.low.usd == about(3 * tokens_in * 1e-6)
    cheap, strong = tokens_in + 2 * tokens_out, 10 * tokens_in + 20 * tokens_out
    assert found.high.usd == about((3 * cheap + strong) / 1e6)


async def test_fallback(of: Of) -> None:
    """At the least nothing falls back; at the most every model of the chain is asked too."""
    chain = {"name": "chain", "chain": {"spare": priced("spare", 10, 20)}, "on": ["truncated"]}
    alone, found = await of(), await of(fallback=chain)
    assert found.range.low == alone.range.low
    assert found.parts[FALLBACK].low == Amount()
    assert found.parts[FALLBACK].high.calls == CASES
    assert found.range.high.usd == alone.range.high.usd + found.parts[FALLBACK].high.usd


def judged_by(**options: Any) -> dict[str, Any]:
    judge = {"model": priced("judge", 5, 6), "rubric": "Is it right?", "max_tokens": 100}
    return {"judge": judge | options}


async def test_judge(of: Of) -> None:
    """A judge is asked by its own prompt, in which an answer takes up to max_tokens."""
    found = (await of({"scorers": judged_by()})).parts
    judging = found["judge"]
    assert (judging.low.calls, judging.high.calls) == (CASES, CASES)
    assert judging.low.input_tokens > found["answer"].low.input_tokens
    assert judging.high.input_tokens == judging.low.input_tokens + CASES * MAX_TOKENS
    assert judging.high.output_tokens == CASES * 100
    assert judging.low.usd == about(5e-6 * judging.low.input_tokens)


async def test_judge_that_reads_the_answer_twice(of: Of) -> None:
    """An answer counts as often as the judge's prompt has it."""
    twice = judged_by(prompt="{{ answer }} or {{ answer }}")
    judging = (await of({"scorers": twice})).parts["judge"]
    assert judging.high.input_tokens == judging.low.input_tokens + 2 * CASES * MAX_TOKENS


async def test_judge_asked_more_often(of: Of) -> None:
    """Repeats of the judge and its swapped order are calls, for each repeat of a case."""
    scorers = judged_by(repeats=3, swap=True)
    judging = (await of({"scorers": scorers}, repeats=2)).parts["judge"]
    assert judging.low.calls == judging.high.calls == 2 * CASES * 3 * 2


async def test_judge_of_a_cascade(of: Of) -> None:
    """A check that asks a model does so for every arm but the last, whatever other checks say."""
    checks = {"json_valid": {}} | judged_by(reference=False)
    arms = composite("cascade", checks=checks)["arms"]
    steps = composite("cascade", checks=checks, arms={"tiny": priced("tiny", 1, 1), **arms})
    judging = (await of(model=steps)).parts["judge"]
    assert (judging.low.calls, judging.high.calls) == (CASES, 2 * CASES)


async def test_scorer_that_cannot_be_tried(
    of: Of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scorer of one's own that breaks on no answer is no end of the estimate; it is said."""
    monkeypatch.chdir(tmp_path)
    own = tmp_path / "tasks" / "demo" / "mine.py"
    own.parent.mkdir(parents=True)
    own.write_text(
        "from runner.config.schema import Single\n"
        "async def score(reply, case, task, *, ask, model: Single):\n"
        "    raise ValueError(reply.text)\n"
    )
    found = await of({"scorers": {"mine": {"model": model(URL, "judge")}}})
    assert "judge" not in found.parts
    assert found.notes == (
        "mine may ask more than is counted: it can't be tried without an answer",
    )


async def test_enforced_schema_counts(of: Of) -> None:
    """A schema that the provider enforces is read as a part of the prompt."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    plain = (await of()).range.low.input_tokens
    with_schema = await of({"output": "json", "json_schema": schema})
    assert with_schema.range.low.input_tokens > plain + 5 * CASES


async def test_any_stream_of_queries(make_job: Callable[..., Job]) -> None:
    """Queries from elsewhere are counted as they come, with nothing scored."""
    job = make_job(URL)

    async def queries() -> Any:
        for number in range(1000):
            yield Query(
                case=Case(id=str(number), input="x"),
                messages=[{"role": "user", "content": "x"}],
                sampling=Sampling(max_tokens=7),
            )

    found = (await estimate.totals(job, queries())).range
    assert found.low[:3] == (1000, 1000 * prompt_tokens("x"), 0)
    assert found.high.output_tokens == 7000


@pytest.fixture
def counted(make_job: Callable[..., Job]) -> Callable[[str, Any], int]:
    """The tokens of a prompt for the model with this id."""

    def count(id: str, content: Any) -> int:
        tested = make_job(URL, **{"model.id": id}).model
        assert isinstance(tested, Single)
        return count_tokens(tested, [{"role": "user", "content": content}])

    return count


def test_counting_needs_no_network(
    counted: Callable[[str, Any], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tokenizer is fetched, not even for the models that litellm would fetch one for."""
    looked_up: list[Any] = []

    def getaddrinfo(host: Any, *_: Any, **__: Any) -> Any:
        looked_up.append(host)
        raise OSError("no network")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for id in ("meta-llama/Llama-3.3-70B-Instruct", "command-r", "claude-2", "gpt-4o"):
        assert counted(id, "hello") > 1
    assert looked_up == []


def test_each_model_has_the_nearest_tokenizer(counted: Callable[[str, Any], int]) -> None:
    """OpenAI's later models need fewer tokens for most languages, and are counted so."""
    text = "Größenwahnsinnige Überschätzung"
    assert counted("gpt-4o", text) < counted("gpt-4", text)


def test_tokens_of_an_image(counted: Callable[[str, Any], int], tmp_path: Path) -> None:
    """An image counts by its size, in full resolution."""

    def tokens(side: int) -> int:
        image = tmp_path / f"{side}.gif"
        image.write_bytes(b"GIF89a" + struct.pack("<HH", side, side) + b"\0\0\0;")
        return counted("gpt-4o", [{"type": "text", "text": "?"}, attachments.part(str(image))])

    assert tokens(1000) > tokens(10) + 300


def test_tokens_of_a_pdf(counted: Callable[[str, Any], int], tmp_path: Path) -> None:
    """A PDF counts by its pages."""

    def tokens(pages: int) -> int:
        file = tmp_path / f"{pages}.pdf"
        file.write_bytes(b"%PDF-1.4\n" + b"<</Type /Page>>\n" * pages)
        return counted(
            "gpt-4o", [{"type": "text", "text": "?"}, attachments.part(str(file), "file")]
        )

    assert tokens(10) - tokens(1) == 9 * attachments.PAGE_TOKENS


def test_an_image_without_a_size(counted: Callable[[str, Any], int], tmp_path: Path) -> None:
    """One that breaks off behind its head is counted, too."""
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    parts = [{"type": "text", "text": "?"}, attachments.part(str(image))]
    assert counted("gpt-4o", parts) >= attachments.IMAGE_TOKENS


async def test_a_conversation(of: Of, tmp_path: Path) -> None:
    """Each turn is asked, with what was said before; the answers before it are its unknown."""
    cases = tmp_path / "talks.jsonl"
    cases.write_text(
        '{"id": "a", "turns": [{"input": "one"}, {"input": "two", "expected": "x"}]}\n'
    )
    said = (await of({"cases": str(cases)})).parts["answer"]
    least = prompt_tokens("one") * 2 + prompt_tokens("two") - 3  # the second request is one
    assert (said.low.calls, said.high.calls) == (2, 2)
    assert said.low.input_tokens == least
    assert said.high.input_tokens == least + MAX_TOKENS
    assert said.high.output_tokens == 2 * MAX_TOKENS


async def test_steps(of: Of) -> None:
    """One request for each answer at the least, all steps at the most, and results uncounted."""
    tool = {"name": "f", "description": "d"}
    found = await of({"tools": [tool], "steps": 3})
    said = found.parts["answer"]
    assert (said.low.calls, said.high.calls) == (CASES, 3 * CASES)
    assert said.high.input_tokens == 3 * said.low.input_tokens + CASES * (1 + 2) * MAX_TOKENS
    assert any("is not counted" in note for note in found.notes)


def printed(*estimates: CostEstimate, budget_usd: float | None = None) -> str:
    console = Console(width=120, record=True, highlight=False)
    for part in terminal(estimates, budget_usd):
        console.print(part, crop=False)
    return console.export_text()


def costing(low: float | None, high: float | None, role: str = "answer") -> CostEstimate:
    return CostEstimate("demo", {role: Range(Amount(2, 10, 0, low), Amount(3, 1010, 50, high))})


@pytest.mark.parametrize(
    ("low", "high", "budget_usd", "said"),
    [
        (2.0, 5.0, 1.0, "$1.00, less than the low end"),
        (2.0, 5.0, 3.0, "$3.00, less than the high end"),
        (2.0, 5.0, 5.0, "covers the high end"),
        (2.0, None, 3.0, "no request of unknown price"),
        (2.0, None, 1.0, "less than the low end"),
        (None, None, 1.0, "no request of unknown price"),
        (0.0, 0.0, 0.0, "covers the high end"),
    ],
)
def test_held_against_the_budget(
    low: float | None, high: float | None, budget_usd: float, said: str
) -> None:
    """A cap is said to be below the low end, below the high end or enough, as far as is known."""
    text = printed(costing(low, high), budget_usd=budget_usd)
    assert said in next(line for line in text.splitlines() if line.startswith("budget_usd"))


def test_table(capsys: pytest.CaptureFixture[str]) -> None:
    """Ranges are ranges, what is exact is one number, and the unknown is a question mark."""
    text = printed(costing(2.0, None), costing(0.0, 0.0))
    first, second, together = (
        " ".join(line.split()) for line in text.splitlines() if line.startswith(("demo", "all"))
    )
    assert first == "demo 2 to 3 10 to 1,010 at most 50 $2.00 to ?"
    assert second == "demo 2 to 3 10 to 1,010 at most 50 $0"
    assert together == "all together 4 to 6 20 to 2,020 at most 100 $2.00 to ?"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def runner(tmp_path: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The command line in a directory with two models and a task, and without any key."""
    files = {
        "provider/loop": PROVIDER.format(base_url=server.base_url),
        "model/first": MODEL.format(name="first"),
        "model/second": MODEL.format(name="second"),
        "model/own": MODEL.format(name="own")
        + "artifact: {path: nowhere.gguf, context_tokens: 512}\n",
        "task/demo": TASK,
        "retry/quick": RETRY,
    }
    for name, text in files.items():
        path = tmp_path / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "tasks").mkdir()
    write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOPBACK_API_KEY")
    own = ["--config-dir", "conf", "task=demo", "requirements=base", "retry=quick", "estimate=true"]
    return lambda *arguments: main([*own, *arguments])


@pytest.mark.parametrize(
    ("arguments", "tables", "rows"),
    [
        (["model=first", "stream=true"], 1, ["demo-first"]),
        (["model=own"], 1, ["demo-own"]),
        (["-m", "model=first,second,own"], 1, ["demo-first", "demo-second", "all together"]),
        (["-m", "model=first,second", "hydra/launcher=basic"], 2, ["demo-first", "demo-second"]),
    ],
)
def test_nothing_is_sent(
    runner: Callable[..., int],
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    tables: int,
    rows: list[str],
) -> None:
    """A run or a sweep is estimated without a key, a request, weights, or a trace on disk."""
    assert runner(*arguments) == 0
    out = capsys.readouterr().out
    assert out.count(TABLE) == tables
    assert all(f"\n{row} " in out for row in rows)
    assert server.requests == []
    assert not list(Path("outputs").glob("*/*"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.retires=2026-01-01", "2026-01-01"),
        ("model.id=tiny-latest", "tiny-latest"),
        ("requirements.data_privacy=air_gapped", "air_gapped"),
    ],
)
def test_what_would_be_refused_is(
    runner: Callable[..., int], capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    """A model that may not be called is refused, as it would be in earnest."""
    assert runner("model=first", override) == 2
    assert message in capsys.readouterr().err
