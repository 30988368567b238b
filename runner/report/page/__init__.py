"""`report.html`: one file that needs nothing else, for a run or for a sweep.

What a model, a provider or a case says reaches the page in two ways, and is text in both: escaped
by the template, or in a block of JSON that the script shows as text. A content policy lets no
script run but the page's own, and none of it reach the network.
"""

import base64
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from runner.config.terminal import clean
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure import formatting
from runner.measure.evidence import Evidence, JournalSummary
from runner.price import total
from runner.record.files import jobs
from runner.record.outcomes import Line
from runner.record.run import Run
from runner.report import card as cards
from runner.report import compare, contents
from runner.report.card import Card
from runner.report.contents import Advice
from runner.report.markdown import templates
from runner.report.origin import Origin
from runner.report.page.board import Board
from runner.report.page.cells import Texts, dense, joined
from runner.report.page.charts import histogram
from runner.report.page.rows import Gatherer
from runner.report.table import MARKS, Table

__all__ = ["RunPage", "SweepPage"]

_HERE = Path(__file__).parent.parent
FRAME = ("dom.js", "frame.js")  # scripts of every page
_SCRIPTS = (
    *FRAME,
    "tables.js",
    "diff.js",
    "notes.js",
    "cases.js",
    "detail.js",
    "whatif.js",
    "page.js",
)


class RunPage:
    """The page of one run, whose journal is gathered while it is measured."""

    def __init__(self) -> None:
        self._texts = Texts(1)
        self._gatherer = Gatherer(self._texts)
        self.lines = self._gatherer.lines

    def html(self, evidence: Evidence, origin: Origin) -> str:
        result = evidence.result
        gathered, advice = self._gatherer.finish(), Advice.on_run(result)
        card = Card.on_run(result, origin.started)
        board = Board(card, [result.model], [result], advice, gathered, [evidence.journal])
        return _page(
            [board],
            self._texts,
            title=f"{result.task}: {result.model}",
            question=contents.question(evidence),
            evidence=evidence,
            baseline=compare.of(result),
            failed=None,
            origin=origin,
            matrix=None,
            rescored=contents.rescored([result]),
        )


class SweepPage:
    """The page of a sweep, likewise; tasks come one after the other, and the best of each first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._texts = Texts(sum(1 for _ in jobs(directory)))
        self._tasks: dict[str, tuple[Gatherer, list[JournalSummary]]] = {}

    def lines(self, run: SweepRow) -> Iterator[Line]:
        """The outcomes of a run. Raises StorageError."""
        record = Run(self._directory / run.dir)
        if not run.rank:
            return record.outcomes()
        if run.task not in self._tasks:
            self._tasks[run.task] = Gatherer(self._texts), []
        gatherer, journals = self._tasks[run.task]
        summary = JournalSummary(run.task, record.quality_scorer, confidence=run.confidence)
        journals.append(summary)
        return summary.watch(gatherer.lines(record))

    def html(self, sweep: SweepResult, origin: Origin) -> str:
        boards = []
        for task, (gatherer, journals) in self._tasks.items():
            for journal in journals:
                journal.sum_up()
            ranked = [run for run in sweep.runs if run.task == task and run.rank]
            names, said = [run.label for run in ranked], sweep.recommendations[task]
            advice = Advice.on_sweep(said, ranked)
            card = Card.on_sweep(said, ranked, origin.started)
            found, routing = gatherer.finish(), sweep.routing.get(task, [])
            boards.append(Board(card, names, ranked, advice, found, journals, routing))
        failed = contents.not_measured(sweep.runs)
        return _page(
            boards,
            self._texts,
            title=", ".join(sweep.best) or self._directory.name,
            question=contents.QUESTION,
            evidence=None,
            baseline=None,
            failed=failed if failed.rows else None,
            origin=origin,
            matrix=_matrix(boards) if len(boards) > 1 else None,
            rescored=contents.rescored(sweep.runs),
        )


def _matrix(boards: Sequence[Board]) -> Table:
    return cards.tasks([board.card for board in boards], [board.results for board in boards])


def _page(boards: Sequence[Board], texts: Texts, **values: Any) -> str:
    style = asset("page.css")
    script = "\n".join(asset(name) for name in _SCRIPTS)
    template = environment().get_template("page.html.j2")
    return template.render(
        values,
        boards=boards,
        clipped=texts.clipped,
        style=Markup(style),
        script=Markup(script),
        data=Markup(_data(boards, **texts.packed(), record=_record(**values))),
        policy=policy(script, style),
    )


def _record(*, title: str, origin: Origin, **_: Any) -> str:
    """Of what a page shows, so that notes on it are kept apart from those on others."""
    shown = title, origin.started, origin.command, dict(origin.facts).get("cases")
    return sha256(repr(shown).encode()).hexdigest()[:16]


def policy(script: str, style: str) -> str:
    """Nothing is fetched or sent, and nothing runs or styles the page but what was put there."""
    rules = (
        "default-src 'none'",
        f"script-src {_hash(script)}",
        f"style-src {_hash(style)}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def as_json(data: Any) -> str:
    """JSON in which no text can end the element that holds it."""
    return _held(dense(data))


def _data(boards: Sequence[Board], **beside: Any) -> str:
    written = [joined(board.data, "rows", board.gathered.rows) for board in boards]
    return _held(joined(beside, "boards", written))


def _held(written: str) -> str:
    return written.replace("<", "\\u003c")


def environment() -> Environment:
    """Whatever a template prints is escaped, and made harmless to readers, too."""
    environment = templates(
        lambda value: value if isinstance(value, Markup) else clean(str(value)), autoescape=True
    )
    environment.filters |= {"value": contents.value, "interval": contents.interval, "usd": _usd}
    environment.globals |= {"marks": MARKS, "compare": compare, "contents": contents}
    environment.filters["soft"] = _soft
    environment.globals |= {"histogram": histogram, "total": total}
    return environment


def _soft(name: str) -> Markup:
    """A name that may be broken after its underscores, and nowhere else."""
    return Markup("_<wbr>").join(clean(name).split("_"))


def _usd(value: float | None) -> str:
    return formatting.show(value, "usd")
