"""`report.html` says what the record says, and nothing that anyone else wrote runs in it."""

import base64
import html
import json
import re
from collections import Counter
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import escape

from runner.config.terminal import clean
from runner.measure.evidence import read
from runner.measure.verdict import word_for
from runner.record.files import PAGE, REPORT, RUN, SWEEP, write_json
from runner.record.outcomes import Answered, Failed, Metric, Result, Score, ToolCall, Usage, Verdict
from runner.record.run import Run
from runner.report import build, build_sweep, contents, terminal
from runner.report.card import Card
from runner.report.contents import Advice
from runner.report.page import charts, whatif
from runner.report.page.board import Board
from runner.report.page.cells import Texts
from runner.report.page.charts import log_axis, share_axis
from runner.report.page.rows import ROWS, Gathered, Gatherer
from runner.report.text import CLIP
from tests.report.make import Factory, answered, attempt, failed, job, model

IMAGE = {"type": "image", "path": "cat.png", "sha256": "f" * 64}
HOSTILE = (
    "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> </pre></style>"
    '" onload="alert(1)\' {{ 7 * 7 }} {% raw %} &lt; \x00\u202egnp.exe\u2028'
)
Lines = list[Answered | Failed]


class Parsed(HTMLParser):
    """Counts the elements and attributes of a page, and keeps the text of some."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[tuple[str, ...]] = Counter()
        self.links: list[str] = []
        self.texts: dict[str, str] = {}
        self._in = ""
        self.policy = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags[tag, *sorted(given)] += 1
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if given.get("http-equiv"):
            self.policy = given["content"] or ""
        self._in = "data" if given.get("id") == "data" else tag

    def handle_data(self, data: str) -> None:
        self.texts[self._in] = self.texts.get(self._in, "") + data

    def handle_endtag(self, tag: str) -> None:
        self._in = ""

    @property
    def data(self) -> Any:
        return json.loads(self.texts["data"])


def gather(*directories: Path, most: int = ROWS, texts: Texts | None = None) -> Gathered:
    gatherer = Gatherer(texts or Texts(len(directories)), most)
    for directory in directories:
        assert list(gatherer.lines(Run(directory)))
    return gatherer.finish()


def page_of(directory: Path) -> str:
    build(directory)
    return (directory / PAGE).read_text()


def sweep_page(directory: Path) -> str:
    build_sweep(directory)
    return (directory / PAGE).read_text()


@pytest.fixture
def sweep(write_run: Factory, tmp_path: Path) -> Path:
    """Two candidates on three cases: one right, one wrong, and one that the second failed."""
    for number, (name, qualities) in enumerate({"good": (1, 1, 1), "bad": (1, 0, None)}.items()):
        lines: Lines = [
            failed(str(case)) if quality is None else answered(str(case), quality, served_by=name)
            for case, quality in enumerate(qualities)
        ]
        of = job(requirements={"min_quality_score": 0.85}, model=model(name))
        build(write_run(lines, of, name=f"sweep/{number}_sorting-{name}"))
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m model=good,bad"})
    return tmp_path / "sweep"


def test_hostile_texts_stay_texts(write_run: Factory) -> None:
    """Whatever a model, a provider or a case says, the page has the elements of a harmless one."""
    found = []
    for text in ("harmless", HOSTILE):
        lines: Lines = [
            answered(
                text,
                0.0,
                reply=text,
                expected={text: text},
                messages=[{"role": "user", "content": text}],
                scores={"exact": Score(value=0, why=text)},
                tags=[text],
                model_served=text,
            ),
            failed("b", error=text),
        ]
        found.append(Parsed(page_of(write_run(lines))).tags)
    assert found[0] == found[1]


def test_calls_of_tools(write_run: Factory) -> None:
    """Each has its name, its arguments a line a key, and what was said of it; so have the missed.

    What a model calls, and with what, runs as little as what it writes.
    """
    calls = [
        ToolCall(id="1", name="find", arguments='{"city": "Ghent", "open": true}'),
        ToolCall(id="2", name=HOSTILE, arguments=HOSTILE),
    ]
    told = [
        {"name": "find", "verdict": "right", "why": ""},
        {"name": HOSTILE, "verdict": "hallucinated", "why": "no such tool was offered"},
        {"name": "book", "verdict": "missing", "why": "{}"},
    ]
    score = Score(value=0, why="1 of 3", details={"calls": told})
    line = answered(reply="", tool_calls=calls, scores={"exact": score})
    [row] = map(json.loads, gather(write_run([line]), texts=(texts := Texts(1))).rows)
    found = [
        [each if isinstance(each, str) else texts.all[each] for each in call if each is not None]
        for call in row["cells"][0]["calls"]
    ]
    assert found[0] == ["find", '{\n  "city": "Ghent",\n  "open": true\n}', "right"]
    assert found[1] == [clean(HOSTILE), clean(HOSTILE), "hallucinated: no such tool was offered"]
    assert found[2] == ["book", "missing: {}"]
    assert texts.all[row["cells"][0]["reply"]].startswith('find({"city": "Ghent", "open": true})')
    harmless = answered(tool_calls=[ToolCall(id="1", name="a", arguments="b")])
    pages = [
        Parsed(page_of(write_run([each], name=name)))
        for each, name in ((line, "a"), (harmless, "b"))
    ]
    assert pages[0].tags == pages[1].tags


def test_the_page_has_every_word(write_run: Factory) -> None:
    """Prompt, answer, expected, why and error are in the page as they were, made harmless."""
    line = answered(
        reply=HOSTILE,
        expected="exp",
        messages=[
            {"role": "system", "content": "sys"},
            {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE]},
        ],
        scores={"exact": Score(value=0.25, why="because")},
    )
    data = Parsed(page_of(write_run([line, failed(error="too late")]))).data
    texts, [board] = data["texts"], data["boards"]
    first, second = board["rows"]
    [cell] = first["cells"]
    assert texts[cell["reply"]] == clean(HOSTILE)
    assert texts[first["expected"]] == "exp"
    prompt = [(role, texts[text]) for role, text in first["prompt"]]
    assert prompt == [("system", "sys"), ("user", "look\n[image: cat.png]")]
    assert cell["scores"] == [["exact", 0.25, texts.index("because")]]
    assert cell["score"] == 0.25
    assert texts[second["cells"][0]["error"]] == "too late"
    assert second["cells"][0]["kind"] == "timeout"


def test_a_score_of_zero_is_a_score(write_run: Factory) -> None:
    """What is zero is told apart from what is unknown."""
    lines: Lines = [answered("a", 0.0, cost_usd=0.0), answered("b", scores={}, cost_usd=None)]
    rows = Parsed(page_of(write_run(lines))).data["boards"][0]["rows"]
    zero, unknown = (row["cells"][0] for row in rows)
    assert (zero["score"], zero["cost"]) == (0, 0)
    assert "score" not in unknown and "cost" not in unknown


def test_only_its_own_script(write_run: Factory) -> None:
    """The policy names the hashes of the page's script and style, and allows nothing else."""
    parsed = Parsed(page_of(write_run([answered()])))
    for kind in ("script", "style"):
        digest = base64.b64encode(sha256(parsed.texts[kind].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in parsed.policy
    assert "default-src 'none'" in parsed.policy
    assert not re.search("unsafe|https?:", parsed.policy)


def test_one_file(sweep: Path) -> None:
    """The page fetches nothing: what it links to is a place in it, or a report that is there."""
    (sweep.parent / "index.html").write_text("")
    build_sweep(sweep, anew=True)
    for page in sweep.rglob(PAGE):
        parsed = Parsed(page.read_text())
        places = [link for link in parsed.links if not link.startswith("#")]
        assert places
        assert all((page.parent / link).is_file() for link in places)
        assert not any(tag[0] in ("link", "img", "iframe", "base") for tag in parsed.tags)


def test_reports_lead_to_one_another(sweep: Path) -> None:
    """A sweep leads to its runs, each of them back, and both to the history where there is one."""
    back = Parsed(page_of(sweep / "0_sorting-good")).links
    assert f"../{PAGE}" in back and "../../index.html" not in back
    (sweep.parent / "index.html").write_text("")
    to = Parsed(sweep_page(sweep)).links
    assert {"../index.html", *(f"{path.name}/{PAGE}" for path in sweep.glob("*_*"))} <= set(to)
    assert "../../index.html" in Parsed(page_of(sweep / "0_sorting-good")).links


def test_what_it_rests_on(sweep: Path) -> None:
    """Every page ends with when, command, config, commit, cases and hash, price dates, versions."""
    build_sweep(sweep, anew=True)
    for page in sweep.rglob(PAGE):
        footer = page.read_text().rpartition("<footer")[2]
        for said in (
            "2026-11-23 12:00 UTC",
            "python -m runner",
            "task=sorting model=",
            "requirements=base retry=default fallback=f",
            "abc123, with changes",
            f"tasks/sorting/cases.jsonl, sha256 {'f' * 64}",
            "2026-11-23: ",
            "python 3.11.7",
        ):
            assert said in footer


def test_cases_stand_side_by_side(sweep: Path) -> None:
    """A row is a case, with a cell for each candidate; the prompt they share is there once."""
    data = Parsed(sweep_page(sweep)).data
    [board] = data["boards"]
    assert board["candidates"] == ["good", "bad"]
    assert [row["case"] for row in board["rows"]] == ["0", "1", "2"]
    assert [cell.get("score") for cell in board["rows"][1]["cells"]] == [1, 0]
    assert "error" in board["rows"][2]["cells"][1]
    assert data["texts"].count("input of 0") == 1


def test_the_first_screen(sweep: Path) -> None:
    """The question, what to ship, how sure that is, three numbers, a caveat, the runner-up, n."""
    said = build_sweep(sweep).recommendations["sorting"]
    page = sweep_page(sweep)
    order = [
        "Which model meets the requirements?",
        ">good is supported, not proven, for sorting<",
        ">supported<",
        *("<dt>quality<", "<dt>cost a request<", "<dt>p95 latency<"),
        "Open: ",
        f">Runner-up</b> bad {said.why_not['bad'].replace('min_quality_score', 'quality')}",
        "3 cases · 2026-11-23 · 95 % intervals",
        said.headline,
        said.reasons[0],
        "Why not the others",
        "Candidates and requirements",
        "Quality compared with good",
    ]
    places = [page.find(text if "<" in text else str(escape(text))) for text in order]
    assert -1 not in places
    assert places == sorted(places)


def test_the_same_card_everywhere(sweep: Path) -> None:
    """Page, Markdown and terminal begin with the same answer, and so for a single run."""
    found = build_sweep(sweep)
    screens = {
        sweep: terminal.sweep(sweep, found),
        sweep / "1_sorting-bad": terminal.run(sweep / "1_sorting-bad", found.runs[1]),
    }
    for directory, screen in screens.items():
        line = (directory / REPORT).read_text().splitlines()[0].removeprefix("### ")
        assert (
            f'<p class="headline">{escape(html.unescape(line))}</p>'
            in (directory / PAGE).read_text()
        )
        assert str(next(screen)).startswith(html.unescape(line))


def test_one_front(sweep: Path) -> None:
    """Who stands out in the chart is whom the recommendation calls dominated by nobody."""
    said = build_sweep(sweep).recommendations["sorting"]
    marked = re.findall(r"<li value=.*?>(\w+) \(dominated by nobody\)", sweep_page(sweep))
    assert marked == said.front == ["good"]


def test_several_tasks(sweep: Path, write_run: Factory) -> None:
    """Each task of a sweep has its own candidates, charts and cases."""
    build(write_run([answered("x")], job(task={"name": "other"}), name="sweep/2_other-small"))
    parsed = Parsed(sweep_page(sweep))
    assert [board["candidates"] for board in parsed.data["boards"]] == [["small"], ["good", "bad"]]
    assert {"#task-0", "#task-1"} <= set(parsed.links)


def test_tasks_by_candidates(sweep: Path, write_run: Factory) -> None:
    """Of several tasks a line each comes first: whom to ship, and how each candidate fared."""
    build(write_run([answered("x")], job(task={"name": "other"}), name="sweep/2_other-small"))
    [lines] = re.findall(r'<table class="matrix">(.*?)</table>', sweep_page(sweep), re.DOTALL)
    cells = [
        re.sub("<.*?>", "", cell)
        for line in re.findall("<tr>.*?</tr>", lines)
        for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line)
    ]
    assert cells[:6] == ["task", "ship", "tier", "small", "good", "bad"]
    assert cells[6:12] == ["other", "none", "none", "supported, 1.000", "", ""]
    assert cells[12:16] == ["sorting", "good", "supported", ""]
    assert cells[16:] == ["supported, 1.000", "refused, 0.500"]


def test_nothing_was_measured(sweep: Path) -> None:
    """A sweep of failed jobs still has its page, which says why they failed."""
    for path in (*sweep.glob("*/*"),):
        path.unlink()
    error = Result(task="sorting", model="good", id="good-1", error="no <key>")
    write_json(sweep / "0_sorting-good" / "result.json", error.model_dump(mode="json"))
    html = sweep_page(sweep)
    assert "Nothing could be measured." in html
    assert "no &lt;key&gt;" in html


def test_an_unfinished_run(write_run: Factory) -> None:
    """What is there of a run has a page, which says that nothing is decided."""
    assert "is not complete" in page_of(write_run([answered()], outcomes=2))
    assert "is not complete" in page_of(write_run([], outcomes=2))


def test_a_damaged_record(sweep: Path) -> None:
    """A run without its run.json or its journal is no longer measured, and costs no page."""
    build_sweep(sweep)
    for name in (RUN, "cases.jsonl"):
        (sweep / "1_sorting-bad" / name).unlink()
        data = Parsed(sweep_page(sweep)).data
        assert [len(row["cells"]) for row in data["boards"][0]["rows"]] == [1] * 3


def test_the_worst_of_too_many(write_run: Factory) -> None:
    """Where there are more outcomes than a page holds, it has those that went worst."""
    lines: Lines = [answered(f"c{n}", n / 10) for n in range(9)]
    found = gather(write_run([*lines, failed("f")]), most=3)
    assert [json.loads(row)["case"] for row in found.rows] == ["c0", "c1", "f"]
    assert found.outcomes == 10


def test_no_text_is_left_of_those_without_a_row(write_run: Factory) -> None:
    """What there was no room for leaves nothing on the page, and takes no budget."""
    lines: Lines = [answered(f"c{n}", n / 10) for n in range(9)]
    texts, alone = Texts(1), Texts(1)
    found = gather(write_run(lines, name="all"), most=2, texts=texts)
    few = gather(write_run(lines[:2], name="few"), texts=alone)
    assert found.rows == few.rows
    assert texts.all == alone.all
    assert texts.mark() == alone.mark()


@pytest.mark.parametrize("most", [3, 100])
def test_candidates_side_by_side(write_run: Factory, most: int) -> None:
    """Each outcome stands in its candidate's column, however many there was room for."""
    one = write_run([answered(f"c{n}", float(n > 0)) for n in range(3)], name="one")
    other = write_run([answered(f"c{n}", float(n > 1)) for n in range(1, 4)], name="other")
    found = gather(one, other, most=most)
    rows = map(json.loads, found.rows)
    scores = {row["case"]: [cell and cell["score"] for cell in row["cells"]] for row in rows}
    all_of_them = {"c0": [0, None], "c1": [1, 0], "c2": [1, 1], "c3": [None, 1]}
    assert scores == {case: all_of_them[case] for case in list(all_of_them)[:most]}
    assert found.outcomes == 4


def test_the_budget_of_texts() -> None:
    """Texts beyond the budget are clipped and counted; each journal has a share of it."""
    texts = Texts(2, budget=4 * CLIP)
    texts.next_share()
    whole, cut = (texts.add(letter * 2 * CLIP) for letter in "ab")
    assert len(texts.all[whole]) == 2 * CLIP
    assert len(texts.all[cut]) < CLIP + 50
    assert texts.add("a" * 2 * CLIP) == whole
    texts.next_share()
    assert len(texts.all[texts.add("short")]) == 5
    assert texts.clipped == 1


def test_what_was_paid_for(write_run: Factory) -> None:
    """Every attempt is paid for under one name, and an unknown price leaves its part unknown."""
    attempts = [
        attempt(cost_usd=1, role="classifier"),
        attempt(cost_usd=2, arm="first"),
        attempt(cost_usd=4, arm="second", error="timeout"),
        attempt(cost_usd=8, arm="second"),
    ]
    spare = [attempt(cost_usd=16, fallback="spare")]
    judging = [attempt(cost_usd=None, role="judge")]
    lines: Lines = [
        answered("a", attempts=attempts, judging=judging),
        answered("b", attempts=spare, fallback="spare"),
    ]
    assert read(write_run(lines)).journal.costs == {
        "answers": 8,
        "other answers": 2,
        "retries": 4,
        "fallbacks": 16,
        "classifier": 1,
        "judge": None,
    }


def test_latencies_are_its_own(write_run: Factory) -> None:
    """Neither a replay nor a fallback's answer tells how fast the model is here."""
    lines: Lines = [
        answered("a", seconds=2.0),
        answered("b", replayed=True),
        answered("c", fallback="spare", served_by="spare"),
        failed("d"),
    ]
    assert list(read(write_run(lines)).journal.latencies_ms) == [2000]


def test_the_attempts_of_a_cell(write_run: Factory) -> None:
    """An attempt says who, how it ended, its times, its price and its tokens."""
    first = attempt(error="rate_limit", message="slow down", status=429, cost_usd=None)
    second = attempt(waited_seconds=1.5, usage=Usage(input_tokens=7, output_tokens=0))
    data = Parsed(page_of(write_run([answered(attempts=[first, second])]))).data
    [cell] = data["boards"][0]["rows"][0]["cells"]
    failing, ending = cell["attempts"]
    assert data["texts"][failing["how"]] == "rate_limit: slow down"
    assert failing["failed"] and "cost" not in failing
    assert data["texts"][ending["who"]] == "small · answer"
    assert (ending["waited"], ending["in"], ending["out"]) == (1.5, 7, 0)


def result(name: str, cost: float | None, quality: float | None) -> Result:
    verdict = Verdict(
        requirement="max_cost_per_request", bound=0.01, value=cost, verdict="met", why=""
    )
    return Result(
        task="t",
        model=name,
        id=name,
        verdicts=[verdict],
        metrics={
            "cost_per_request_usd": Metric(value=cost, low=cost, high=cost, n=9, unit="usd"),
            "quality": Metric(value=quality, low=None, high=quality, n=9, unit="score"),
        },
    )


NAMES = ["best", "dear", "free", "dark"]


def test_the_front() -> None:
    """It is the recommendation's; what costs nothing has a place, what nobody knows is named."""
    known = [result("best", 0.002, 0.9), result("dear", 0.004, 0.9), result("free", 0.0, 0.5)]
    chart = charts.scatter(NAMES, [*known, result("dark", None, 0.9)], ["best", "free", "dark"])
    assert chart
    assert {point.name for point in chart.points if point.front} == {"best", "free"}
    best, dear, free = chart.points
    assert 0 < free.x < chart.x.start < best.x < dear.x < 100
    assert free.y > best.y == dear.y
    assert chart.left_out == ["dark"]
    assert chart.max_cost and dear.x < chart.max_cost.at
    assert best.y_bar[1] == 100  # the lower end is unknown, so the bar has none
    assert charts.scatter(["dark"], [result("dark", None, None)], ["dark"]) is None


@pytest.mark.parametrize("values", [[5.0], [0.0], [1e-7, 3.0], [0.0, 2e-4], [None, 9.0]])
def test_a_logarithmic_axis(values: list[float | None]) -> None:
    """Every value has a place between its ends, and there are ticks to read it by."""
    axis = log_axis(values, str)
    places = [axis.at(value) for value in values if value is not None]
    assert all(0 < place < 100 for place in places)
    assert sorted(places) == places
    assert axis.ticks


@pytest.mark.parametrize("values", [[0.0], [1.0], [0.0, 1.0], [0.96, 0.97], [0.3, None]])
def test_an_axis_of_shares(values: list[float | None]) -> None:
    """The values lie inside of round ticks, and none of them on the edge."""
    axis = share_axis(values)
    assert all(0 < axis.at(value) < 100 for value in values if value is not None)
    assert 2 <= len(axis.ticks) <= 7
    assert all(len(tick.label) <= 4 for tick in axis.ticks)


def test_the_number_behind_a_verdict(write_run: Factory) -> None:
    """A requirement stands beside the very number, interval and unit that it was held against."""
    wanted = {"max_latency_ms": 3000, "min_quality_score": 0.5}
    directory = write_run([answered(str(n)) for n in range(80)], job(requirements=wanted))
    evidence = read(directory)
    found = evidence.result
    assert found.metrics["latency_p50_ms"].value == found.metrics["latency_p95_ms"].value
    card = Card.on_run(found, "")
    board = Board(
        card, ["small"], [found], Advice.on_run(found), gather(directory), [evidence.journal]
    )
    fact = board.fact(found, "max_latency_ms")
    assert fact.text == contents.value(found.metrics["latency_p95_ms"])
    assert fact.interval == contents.interval(found.metrics["latency_p95_ms"])
    assert {("max_latency_ms", "at most 3,000 ms"), ("min_quality_score", "at least 0.5")} < set(
        board.columns
    )


def test_tables_of_scorers(write_run: Factory) -> None:
    """The confusion of a label scorer is on the page, with what was right marked."""
    lines: Lines = [
        answered(
            str(n), scores={"label": Score(value=n, why="", details={"expected": "a", "read": r})}
        )
        for n, r in enumerate(("b", "a"))
    ]
    html = page_of(write_run(lines, job(task={"scorers": {"label": {}}})))
    assert "Expected and read" in html
    assert re.search(r'<td class="heat-\d right"[^>]*>1</td>', html)


def test_quality_by_tag(write_run: Factory) -> None:
    """Each tag has the quality of its own cases, as the metric is computed, whoever is asked."""
    lines: Lines = [
        *(answered(f"a{n}", float(n > 0), tags=["easy", "all"]) for n in range(4)),
        *(answered(f"b{n}", 0.0, tags=["all"]) for n in range(4)),
        failed("c", tags=["all"]),
    ]
    evidence = read(write_run(lines))
    found = evidence.journal.by_tag(0.95)
    assert list(found) == ["all", "easy"]
    assert found["all"] == evidence.result.metrics["quality"]
    assert (found["easy"].value, found["easy"].n) == (0.75, 4)
    page = page_of(write_run(lines))
    for metric in found.values():
        assert f"{contents.value(metric)} <small>{contents.interval(metric)}</small>" in page
        assert f'class="number">{metric.n}</td>' in page


def test_what_if_offers_what_follows_from_intervals(write_run: Factory) -> None:
    """At the thresholds of the report its verdicts follow, for each that is offered."""
    bounds = {"output_tokens": {"max": 60}, "cost_per_accepted_usd": {"max": 1}}
    wanted = {"max_latency_ms": 900, "min_quality_score": 0.9, "availability": 0.5}
    lines: Lines = [answered(str(n), float(n % 9 > 0), seconds=1 + n / 80) for n in range(80)]
    directory = write_run(lines, job(requirements=wanted | {"bounds": bounds}))
    result = read(directory).result
    found = whatif.of([result])
    assert found
    verdicts = {one.requirement: one for one in result.verdicts}
    keys = [one["key"] for one in found["bounds"]]
    assert keys == [
        f"requirements.{each}" for each in (*list(wanted)[:2], "bounds.output_tokens.max")
    ]
    for one in found["bounds"]:
        low, high, _ = one["ends"][0]
        said = word_for(low, high, one["side"], one["bound"])
        assert said == verdicts[one["requirement"]].verdict
    assert len(found["rest"][0]) == len(verdicts) - len(keys)
    assert whatif.of([result.model_copy(update={"tier": None})]) is None


def test_names_in_the_chart_lie_apart() -> None:
    """However close twelve candidates are, no name lies on another or sticks out."""
    results = [
        Result(
            task="t",
            model=f"m{n}",
            id="",
            metrics={
                "quality": Metric(value=0.8 + n / 100, low=0.7, high=0.95, n=9, unit="score"),
                "cost_per_request_usd": Metric(
                    value=0.001 * 1.4 ** (n % 5), low=None, high=None, n=9, unit="usd"
                ),
            },
        )
        for n in range(12)
    ]
    found = charts.scatter([f"a-rather-long-name-{n}" for n in range(12)], results, [])
    assert found
    boxes = [point.label(point.before, point.label_y) for point in found.points]
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert 0 <= left < right <= 100
        for other in boxes[:place]:
            assert left > other[2] or right < other[0] or top > other[3] or bottom < other[1]
