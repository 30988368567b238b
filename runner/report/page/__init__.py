"""`report.html`: one file that needs nothing else, for a run or for a sweep.

What a model, a provider or a case says reaches the page in two ways, and is text in both: escaped
by the template, or in a block of JSON that the script shows as text. A content policy lets no
script run but the page's own, and none of it reach the network.
"""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from runner.decide.recommend.reasons import chance
from runner.decide.sweep import SweepResult
from runner.measure import formatting
from runner.measure.compare import RunComparison
from runner.measure.evidence import Evidence
from runner.record.outcomes import Metric
from runner.report import compare, words
from runner.report.markdown import facts
from runner.report.page.advice import Advice
from runner.report.page.board import Board
from runner.report.page.journals import gather
from runner.report.page.texts import Texts
from runner.report.text import clean

__all__ = ["run", "sweep"]

_HERE = Path(__file__).parent.parent
_SCRIPTS = ("dom.js", "tables.js", "diff.js", "cases.js", "detail.js", "page.js")


def run(evidence: Evidence, directory: Path) -> str:
    """The page of one run."""
    result, wanted = evidence.result, evidence.job.requirements.name
    texts = Texts(1)
    gathered = gather([directory], texts)
    board = Board(result.task, [result.model], [result], Advice.on_run(result), gathered)
    baseline = RunComparison.model_validate(result.baseline) if result.baseline else None
    return _page(
        [board],
        texts,
        title=f"{result.task}: {result.model}",
        question=f"Does {result.model} ({result.id}) meet the requirements of {wanted} on the "
        f"cases of {result.task}?",
        evidence=evidence,
        facts=facts(evidence),
        baseline=baseline,
        failed=[],
        command=evidence.run.command,
    )


def sweep(sweep: SweepResult, directory: Path) -> str:
    """The page of a sweep."""
    texts = Texts(sum(run.rank is not None for run in sweep.runs))
    boards = []
    for task, said in sweep.recommendations.items():
        ranked = [run for run in sweep.runs if run.task == task and run.rank]
        if ranked:
            gathered = gather([directory / run.dir for run in ranked], texts)
            names = [run.label for run in ranked]
            boards.append(Board(task, names, ranked, Advice.on_sweep(said), gathered))
    return _page(
        boards,
        texts,
        title=", ".join(sweep.best) or directory.name,
        question="Which model meets the requirements?",
        evidence=None,
        baseline=None,
        failed=[run for run in sweep.runs if run.rank is None],
        command=sweep.command,
    )


def _page(boards: Sequence[Board], texts: Texts, **values: Any) -> str:
    style = _asset("page.css")
    script = "\n".join(_asset(name) for name in _SCRIPTS)
    data = {"texts": texts.all, "boards": [board.data for board in boards]}
    template = _environment().get_template("page.html.j2")
    return template.render(
        values,
        boards=boards,
        clipped=texts.clipped,
        style=Markup(style),
        script=Markup(script),
        data=Markup(_json(data)),
        policy=_policy(script, style),
    )


def _policy(script: str, style: str) -> str:
    """Nothing is fetched or sent, and nothing runs or styles the page but what was put there."""
    rules = (
        "default-src 'none'",
        f"script-src {_hash(script)}",
        f"style-src {_hash(style)}",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    digest = base64.b64encode(sha256(content.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def _json(data: Any) -> str:
    """JSON in which no text can end the element that holds it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _environment() -> Environment:
    """Whatever a template prints is escaped, and made harmless to readers, too."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else clean(str(value)),
    )
    environment.filters |= {
        "value": _value,
        "interval": _interval,
        "cell": _cell,
        "usd": _usd,
        "chance": chance,
        "signed": _signed,
    }
    environment.globals |= {"marks": words.MARKS, "compare": compare}
    return environment


def _value(metric: Metric | None) -> str:
    return formatting.show(metric.value, metric.unit) if metric else "unknown"


def _interval(metric: Metric | None) -> str:
    if metric is None or metric.value is None:
        return ""
    return formatting.interval(metric.low, metric.high, metric.unit)


def _usd(value: float | None) -> str:
    return formatting.show(value, "usd")


def _signed(value: float | None) -> str:
    return "?" if value is None else f"{value:+.3f}"


def _cell(value: str | int | float | None) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
