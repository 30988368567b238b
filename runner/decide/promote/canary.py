"""A few cases that stand for all of a task: chosen once, asked again by `drift`."""

import random
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from statistics import fmean

from runner.cases import cases
from runner.decide.promote.decision_record import Canary, DecisionRecord
from runner.measure.comparison import CaseOutcomes, Observed, Side, digest
from runner.measure.observations import own, turns
from runner.record.files import write_text
from runner.record.outcomes import Answered
from runner.record.run import Run

_SEED = 0


def choose(tags: Mapping[str, Sequence[str]], count: int) -> list[str]:
    """So many cases of as many kinds as there are, by their tags; always the same ones."""
    draw = random.Random(_SEED)
    kinds: dict[tuple[str, ...], list[str]] = {}
    for case in sorted(tags):
        kinds.setdefault(tuple(sorted(tags[case])), []).append(case)
    groups = [draw.sample(kinds[kind], len(kinds[kind])) for kind in sorted(kinds)]
    draw.shuffle(groups)
    in_turn = [case for case in chain(*zip_longest(*groups)) if case is not None]
    return sorted(in_turn[:count])


def taken(run: Run, count: int) -> tuple[list[Canary], list[str]]:
    """Canary cases of a run with its own answers, and the models that served it.

    Raises StorageError. Reads the journal twice, so that not all answers are held at once.
    """
    tags: dict[str, Sequence[str]] = {}
    served: set[str] = set()
    for line in run.outcomes():
        if isinstance(line, Answered) and own(line):
            served |= {line.model_served} if line.model_served else set()
            if line.repeat == 0:
                tags[line.case] = line.tags
    chosen = set(choose(tags, count))
    found = [
        _canary(line)
        for line in run.outcomes()
        if isinstance(line, Answered) and own(line) and line.repeat == 0 and line.case in chosen
    ]
    return sorted(found, key=lambda each: each.case), sorted(served)


def _canary(line: Answered) -> Canary:
    return Canary(
        case=line.case,
        question=digest(line.messages),
        expected=digest(line.expected),
        answer=line.as_text,
        scores={name: score.value for name, score in line.scores.items()},
        latency_ms=fmean(turn.seconds * 1000 for turn in turns(line)),
        cost_usd=line.cost_usd,
    )


def observed(record: DecisionRecord, prompt: object) -> Observed:
    """The canary cases of a record, as a run with this prompt that another can be compared with."""
    return Observed(
        side=Side(dir=record.evidence.run, model=record.model, id=record.id),
        task=record.task,
        quality=record.quality,
        prompt=prompt,
        timing=record.evidence.concurrency,
        cases={
            each.case: CaseOutcomes(
                each.question,
                each.expected,
                outcomes=1,
                answered=1,
                scores={name: [value] for name, value in each.scores.items()},
                latency_ms=[each.latency_ms],
                cost_usd=[each.cost_usd],
            )
            for each in record.canary
        },
    )


def write_cases(record: DecisionRecord, source: Path, target: Path) -> int:
    """Copy the canary cases out of a cases file, and return how many it still has.

    Raises ConfigError, StorageError.
    """
    wanted = {each.case for each in record.canary}
    found = [
        case.model_dump_json(exclude_defaults=True)
        for case in cases.read(source)
        if case.id in wanted
    ]
    if found:
        write_text(target, "".join(f"{line}\n" for line in found))
    return len(found)
