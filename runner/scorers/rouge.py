"""ROUGE: how many words (or pairs, or words in order) the answer shares with a reference text.

The value is the F-measure. `expected` is one reference or a list, of which the closest counts.
"""

import asyncio
from typing import Literal

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected
from runner.scorers._text import clip, words


class _Tokenizer:
    """Stands in for the library's tokenizer, which drops all but a to z and digits."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


async def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    variant: Literal["rouge1", "rouge2", "rougeL"] = "rougeL",
    key: str | None = None,
) -> Score:
    from rouge_score.rouge_scorer import RougeScorer  # brings numpy: `check` need not wait for it

    references = _references(case, key)
    judge = RougeScorer([variant], tokenizer=_Tokenizer())
    # Off the loop: the time grows with the product of both lengths.
    scores = await asyncio.to_thread(judge.score_multi, references, reply.text)
    best = scores[variant]
    why = (
        f"{variant} of '{clip(reply.text)}': "
        f"precision {best.precision:.2f}, recall {best.recall:.2f}"
    )
    details = {"precision": float(best.precision), "recall": float(best.recall)}
    return Score(value=min(float(best.fmeasure), 1.0), why=why, details=details)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _references(case, key))


def _references(case: Case, key: str | None) -> list[str]:
    expected = _expected.value(case, key)
    references = expected if isinstance(expected, list) else [_expected.text(case, key)]
    for each in references:
        if not isinstance(each, str) or not words(each):
            raise ValueError(f"expected must be a text or a list of texts, but has {each!r}")
    if not references:
        raise ValueError("expected is an empty list")
    return references
