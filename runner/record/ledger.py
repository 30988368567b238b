"""What was sent, on disk before it is: a kill at any moment leaves nothing paid unseen.

Beside a journal `cases.jsonl` lies `cases.sent.jsonl`: a line before each request that costs
something, with the most that it can cost, and another once it has ended where the outcome can't
follow at once: a retry, the next arm, a judge come first. That one has the reply, so that whoever
goes on after a kill asks from there. Once all stands in the journal the file is removed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from runner.record.files import SENT
from runner.record.journal import Journal
from runner.record.outcomes import Attempt, Failed, Line, Sent
from runner.record.run import Run

IN_FLIGHT: dict[str, Any] = {  # of an attempt of which no more is known
    "seconds": 0.0,
    "cost_usd": None,
    "http_requests": 1,
    "error": "interrupted",
    "message": "in flight when it stopped",
}


class Ledger:
    """Of one journal. Raises StorageError, as a journal does."""

    def __init__(self, journal: Path) -> None:
        run, self._path = Run(journal.parent), journal.with_suffix(SENT)
        self._replies: defaultdict[str, list[Sent]] = defaultdict(list)
        for each in run.unfinished(journal.name, map(_closed, run.lines(journal.name))):
            if each.reply:
                self._replies[each.asked].append(each)
        left = run.unfinished(journal.name, run.lines(journal.name))
        self._open = {each.attempt.sent for each in left}
        self._file = Journal(self._path)

    def reply(self, asked: str) -> Sent | None:
        """What a request brought back whose outcome was lost; each is given away once."""
        if not (waiting := self._replies.get(asked)):
            return None
        found = waiting.pop()
        self._open.add(found.attempt.sent)
        return found

    async def put(self, sent: Sent) -> None:
        """It is on disk when this returns."""
        self._open.add(sent.attempt.sent)
        await self._file.append(sent)

    def settle(self, attempts: Iterable[Attempt]) -> None:
        """They stand in the journal."""
        self._open.difference_update(attempt.sent for attempt in attempts)

    def close(self) -> None:
        self._file.close()
        if not (self._open or any(self._replies.values())):
            with suppress(OSError):
                self._path.unlink()


def fingerprint(
    question: tuple[str, int], model: str, messages: list[Any], parameters: dict[str, Any]
) -> str:
    """Of what is asked of a model for a question, which is a case and its repeat.

    Equal ones may take one another's reply. Of other questions none is taken: what was paid for
    theirs is on record there.
    """
    asked = json.dumps([question, model, messages, parameters], sort_keys=True, default=str)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def _closed(line: Line) -> Line:
    """What a question that is still open has brought so far may be taken again."""
    if isinstance(line, Failed) and line.open:
        return line.model_copy(update={"attempts": [], "judging": []})
    return line
