"""Score the answers of a run or a sweep anew, and ask nobody.

    python -m runner rescore outputs/runs/<run> notes=notes.jsonl
    python -m runner rescore outputs/sweeps/<sweep> notes=labels.jsonl
    python -m runner rescore outputs/runs/<run> task.scorers.numeric.tolerance=0.01
    python -m runner rescore outputs/runs/<run> requirements=tickets

`notes` are exported by the page of a report (what is expected of a case, an answer that is right
all the same) or by that of `label`, or written by hand, a line each:

    {"task": "tickets", "case": "t3", "expected": "refund", "note": "the policy changed in May"}
    {"task": "tickets", "case": "t5", "answer": "Refund.", "accept": true}
    {"task": "tickets", "case": "t7", "answer": "Hardware", "score": 0.5}

Without them the scorers as they are now look again, at the cases as they are now.

The new record is a run, or a sweep, like any other; cost, latency and attempts are those of the
old one, which is not touched, and neither is the cases file: one that is mended lies beside the
new record. A judgement stands while its judge would be told the same, else rescore refuses.

Settings:
    notes=notes.jsonl
    requirements=tickets  the thresholds of that file, as they are now
    task.scorers.… task.quality=… task.turns_score=… task.cases=… requirements.…
                          in place of what is on record
    verbose=true          all reasons, numbers and verdicts on the terminal
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from runner.commands._arguments import Arguments, arguments
from runner.config import loading
from runner.config.schema import Requirements, Strict, Task
from runner.config.terminal import say
from runner.decide.sweep import SweepResult
from runner.errors import ConfigError
from runner.report import console, rebuild, terminal

_SHOWN = 5  # cases that are mended


class RescoreSettings(Strict):
    notes: Path | None = None
    verbose: bool = False
    task: Task | None = None
    requirements: Requirements | None = None


def main(argv: Sequence[str]) -> int:
    given = arguments("rescore", __doc__, argv, words=1, keys=RescoreSettings)
    own, changes = [], dict[str, Any]()
    for override in given.overrides:
        key, _, value = override.partition("=")
        if key in ("notes", "verbose"):
            own.append(override)
        elif key == "requirements" and key in changes:
            raise ConfigError("requirements: stands there twice; name one file")
        elif key == "requirements":
            changes = {key: _thresholds(given, override), **changes}
        else:
            changes[key] = _value(key, value)
    from runner.cases.notes import Notes
    from runner.pipeline import rescore

    for key in changes:
        if not key.startswith(rescore.KEYS):
            raise ConfigError(f"{key}: shapes answers, and these stay as they are; measure anew")
    settings = replace(given, overrides=own).settings(RescoreSettings)
    notes = Notes.read(settings.notes) if settings.notes else Notes()
    directory, patch = rescore.rescore(Path(given.words[0]), notes, changes)
    result = rebuild(directory)
    if isinstance(result, SweepResult):
        console.show(terminal.sweep(directory, result, verbose=settings.verbose))
    else:
        console.show(terminal.run(directory, result, verbose=settings.verbose))
    for line in patch[:_SHOWN]:
        say(line)
    if patch:
        more = f"and {len(patch) - _SHOWN} more; " if patch[_SHOWN:] else ""
        mended = console.near(directory) / "mended-*.jsonl"
        say(f"{more}your cases are as they were; task.cases={mended} has them mended")
    return 0


def _thresholds(given: Arguments, override: str) -> Any:
    """What a file of conf/requirements/ holds. Raises ConfigError."""
    with given.conf() as conf:
        return loading.resolved(
            conf.options.compose(f"+{override}", config=None, kind=Requirements)["requirements"]
        )


def _value(key: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"{key}: can't be read as YAML: {text}") from None
