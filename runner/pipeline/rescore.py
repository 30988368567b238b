"""A run scored anew, with nobody asked: its journal, with other cases, scorers or thresholds.

What was answered stays as it was measured: cost, latency, every attempt. The record lies in a
directory of its own, and says what it was made from.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner.cases import attachments, notes
from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.notes import Note, Notes
from runner.cases.query import Query
from runner.config import paths
from runner.config.schema import Job, Model
from runner.errors import ConfigError
from runner.measure import requirements
from runner.measure import result as results
from runner.pipeline import event_loop, plan, provenance
from runner.pipeline.plan import Plan
from runner.pipeline.resume import begin, paid_before
from runner.record.files import (
    JOURNAL,
    RESULT,
    RUN,
    SWEEP,
    dated,
    jobs,
    read_json,
    typed,
    utc_now,
    whole,
    write_json,
)
from runner.record.journal import to_line
from runner.record.outcomes import Answered, Result, Score
from runner.record.run import Run
from runner.scorers import Unscored

# Keys that shape no answer.
KEYS = ("task.cases", "task.quality", "task.scorer", "task.turns_score", "requirements")
_SHOWN = 5


def rescore(directory: Path, said: Notes, changes: Mapping[str, Any]) -> tuple[Path, list[str]]:
    """The new record of a run, or of all runs of a sweep, and which lines of cases it mends.

    `changes` are values by keys of the config. Raises ConfigError, StorageError, ScorerFailed, and
    leaves nothing behind then.
    """
    whole_sweep = Run(directory).kind == "sweep"
    sources = list(jobs(directory)) if whole_sweep else [Run.open(directory).directory]
    first = next((source for source in sources if (source / RUN).is_file()), None)
    if first is None:
        raise ConfigError(f"{directory}: no run of it could start")
    job = Run(first).job
    label = "rescored" if whole_sweep else f"{job.label}-rescored"
    top = dated(job.outputs, "sweeps" if whole_sweep else "runs", label)
    work = _Rescoring(directory, top, said, changes)
    lock = begin(top, job.outputs)
    try:
        for source in sources:
            to = top / source.name if whole_sweep else top
            to.mkdir(exist_ok=True)
            if (source / RUN).is_file():
                work.run(Run(source), to)
            else:
                shutil.copy(source / RESULT, to / RESULT)
        work.check_used()
        if whole_sweep:
            about = read_json(directory / SWEEP) if (directory / SWEEP).is_file() else {}
            write_json(top / SWEEP, {**about, "command": provenance.shared_command()})
    except BaseException:
        shutil.rmtree(top, ignore_errors=True)
        raise
    finally:
        lock.release()
    if said.path:
        shutil.copy(said.path, top / f"notes{said.path.suffix}")
    return top, work.patch


class _Rescoring:
    def __init__(self, of: Path, top: Path, said: Notes, changes: Mapping[str, Any]) -> None:
        self._of, self._top, self._notes, self._changes = of, top, said, changes
        self._mended: dict[tuple[str, Path], tuple[Path, set[str]]] = {}
        self.patch: list[str] = []  # a line for each line of cases

    def run(self, source: Run, to: Path) -> None:
        job, mended = self._job(source)
        planned = plan.of(job)
        counts = event_loop.run(_score(planned, source, self._notes, to))
        before, race = results.load(source.directory), source.measurement.race
        if race:  # by more bounds, or surer ones, each of them may be wrong less often
            from runner.measure.anytime import shared_tail

            bounds = requirements.measured(job)
            tail = shared_tail(job.requirements.confidence, race.candidates, bounds)
            race = race.model_copy(update={"tail": min(race.tail, tail)})
        about = {
            **source.about,
            "identity": hashlib.sha256(f"rescored {planned.identity}".encode()).hexdigest(),
            "command": provenance.shared_command(),
            "config": job.model_dump(mode="json"),
            "race": race and race.model_dump(mode="json"),
            "cases": source.measurement.cases
            | {"path": str(planned.cases_file), "sha256": planned.cases_sha256},
            "rescored": {
                "of": paths.shown(self._of),
                "when": utc_now(),
                "notes": self._notes.path and paths.shown(self._notes.path),
                "notes_sha256": self._notes.sha256,
                "changed": {key: _named(value) for key, value in self._changes.items()},
                "mended": sorted(mended),
                "counts": dict(counts),
                "before": _judged(before),
            },
        }
        write_json(to / RUN, about)

    def _job(self, source: Run) -> tuple[Job, set[str]]:
        """What is measured now, and the cases that are mended in it. Raises ConfigError."""
        tree = source.job.model_dump(mode="json")
        for key, value in self._changes.items():
            node = tree
            *above, last = key.split(".")
            for part in above:
                node = node.setdefault(part, {})
            node[last] = value
        tree |= {"reuse": None, "gate": False}
        job = typed(Job, tree, f"{source.directory}: ")
        then = Path(str(source.measurement.cases.get("path")))
        moved = "task.cases" in self._changes or not then.is_file()
        file = paths.cases_file(job.task.cases) if moved else then
        which = job.task.name, file
        if which not in self._mended:
            number = f"-{len(self._mended)}" if self._mended else ""
            mended = self._top / f"mended{number}-{job.task.name}.jsonl"
            said = self._notes.mend(job.task.name, file, mended)
            self.patch += said.values()
            self._mended[which] = (mended if said else file), set(said)
        file, of = self._mended[which]
        task = job.task.model_copy(update={"cases": str(file)})
        return (job if not of and not moved else job.model_copy(update={"task": task})), of

    def check_used(self) -> None:
        """Raises ConfigError for a note on nothing: it may be of another run."""
        for number, note in self._notes.lines.items():
            if number not in self._notes.used and (note.expected is not None or note.answer):
                what = "no answer to it reads so" if note.answer else "there is no such case"
                if note.task not in (None, *(task for task, _ in self._mended)):
                    what = f"is of task '{note.task}', which is not"
                raise ConfigError(f"{self._notes.path}:{number}: case '{note.case}': {what} here")


def _named(value: Any) -> Any:
    """Of a whole file of conf/ its name."""
    return value["name"] if isinstance(value, Mapping) and "name" in value else value


def _judged(result: Result) -> dict[str, Any]:
    quality = result.metrics.get("quality")
    return {
        "quality": quality and quality.value,
        "verdicts": {each.requirement: each.verdict for each in result.verdicts},
    }


async def _score(planned: Plan, source: Run, said: Notes, to: Path) -> Counter[str]:
    """Write the journal, and count what became of the scores. Raises ConfigError, StorageError."""
    counts: Counter[str] = Counter()
    asked = {(q.case.id, q.repeat): q for q in planned.questions()}
    problems: list[str] = []
    with whole(to / JOURNAL) as journal:
        for line in source.outcomes():
            question = asked.get((line.case, line.repeat))
            if question is None or attachments.recorded(question.query.messages) != line.messages:
                why = "is not in" if question is None else "asks something else in"
                problems.append(f"case '{line.case}': {why} {planned.cases_file} now")
            elif isinstance(line, Answered):
                try:
                    line = await _one(planned, line, question.case, said, counts)
                except _Asks as asks:
                    problems.append(str(asks))
            else:
                line = line.model_copy(update={"expected": question.case.wanted})
            journal.write(to_line(paid_before(line)))
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if problems[_SHOWN:] else []
        raise ConfigError(*problems[:_SHOWN], *more)
    return counts


class _Asks(Exception):
    """A judge would have to be asked, since what it was told has changed."""


async def _one(
    planned: Plan, line: Answered, case: Case, said: Notes, counts: Counter[str]
) -> Answered:
    """An answer with its scores as they are now. Raises _Asks."""
    task = planned.job.task
    found = said.on(task.name, case.id, line.as_text)

    async def nobody(_model: Model, _query: Query) -> CallLog:
        raise Unscored("nobody is asked anew")

    kept = line.model_copy(update={"scores": _blind(planned, line, case)})
    scored = await planned.score(kept, case, nobody, [], {})
    if scored.unscored.keys() - line.unscored.keys():
        raise _Asks(
            f"case '{case.id}': its judge would be told something else, and rescore asks nobody: "
            "leave `expected` out of the note, or mend the cases: reuse=<run> asks the judge alone"
        )
    scores, old = scored.scores, line.scores.get(task.quality_scorer)
    note = next((each for each in found if each.accept), None)
    if note and task.quality_scorer in scores:
        scores = scores | {task.quality_scorer: _accepted(scores[task.quality_scorer], note)}
        counts["accepted"] += 1
    if old and (new := scores.get(task.quality_scorer)) and old.value != new.value:
        counts["rose" if new.value > old.value else "fell"] += 1
    human = notes.score(found)
    counts["labelled"] += human is not None
    changes = {"scores": scores, "human": line.human if human is None else human}
    return scored.model_copy(update={**changes, "unscored": line.unscored})


def _accepted(score: Score, note: Note) -> Score:
    """With the same key, so that it stands while scorer and case are the same."""
    said = f"accepted by a person{f' ({note.note})' if note.note else ''}"
    changes = {"why": f"{said}; {score.value:g} before: {score.why}", "value": 1.0}
    return score.model_copy(update={**changes, "scored": score.by_scorer})


def _blind(planned: Plan, line: Answered, case: Case) -> dict[str, Score]:
    """The scores, of which those of judges that see no reference hold whatever is expected."""
    then, kept = case.model_copy(update={"expected": line.expected}), dict(line.scores)
    for name, scorer in planned.scorers.items():
        blind = scorer.asks and scorer.options.get("reference") is False
        if blind and name in kept and kept[name].key == scorer.key(then):
            kept[name] = kept[name].model_copy(update={"key": scorer.key(case)})
    return kept
