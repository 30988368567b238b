"""Compose and check every file of conf/ and tasks/; nothing is sent.

    python -m runner check
    python -m runner check --config-dir my_conf --verbose     what is expected, too

Every option of every group is composed and validated, every sweep's choices too; ids must be
pinned, prices dated and sourced, models in use alive; every case must parse, render and suit its
scorers. Exit code 2 when there is a problem, so that a pre-commit hook can stand on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from runner import scorers
from runner.cases import cases
from runner.commands._arguments import NoKeys, arguments
from runner.config import door, overrides, paths, pins
from runner.config.catalogue import Options
from runner.config.schema import Job, Model, Single
from runner.config.schema.composite import reached
from runner.config.validation import validated
from runner.decide.select.tree import DecisionTree
from runner.errors import CONFIG_EXIT, ConfigError, RunnerError, did_you_mean
from runner.measure import requirements
from runner.report.console import near

STALE = timedelta(days=90)  # a price older than this is worth another look
SOON = timedelta(days=90)  # a retirement nearer than this is worth planning for

# Where an option of a group stands in a job.
_PLACES = {
    "model": "model",
    "provider": "model.provider",
    "requirements": "requirements",
    "retry": "retry",
    "fallback": "fallback",
}

Level = Literal["problems", "notes", "details"]
Finding = tuple[Level, str]


@dataclass
class Report:
    """A line each, as `file: key: what is wrong`."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)  # expected; for the curious
    checked: int = 0  # options


def main(argv: Sequence[str]) -> int:
    verbose = {"-v", "--verbose"}
    own = arguments(
        "check", __doc__, [each for each in argv if each not in verbose], keys=NoKeys
    ).own
    config_dirs = [directory for directory in (own, paths.builtin("conf")) if directory]
    report = check_files(config_dirs, paths.tasks_dirs(), date.today())
    for line in report.problems:
        print(line)
    for line in report.notes + (report.details if verbose & set(argv) else []):
        print(f"note: {line}")
    print(f"{report.checked} options, {len(report.problems)} problems")
    return CONFIG_EXIT if report.problems else 0


def check_files(config_dirs: Sequence[Path], tasks_dirs: Sequence[Path], today: date) -> Report:
    """Check all that `config_dirs` hold, the first one first: its options hide ours."""
    conf = Options([directory for directory in config_dirs if directory.is_dir()])
    with conf.open():
        checker = _Checker(conf, tasks_dirs, today)
        checker.run()
    return checker.report


class _Checker:
    def __init__(self, conf: Options, tasks_dirs: Sequence[Path], today: date) -> None:
        self.conf, self.tasks_dirs, self.today = conf, tasks_dirs, today
        self.report = Report()
        self.models: dict[str, Model] = {}  # the valid ones, by option

    def run(self) -> None:
        try:
            self.base = OmegaConf.create(door.plain(self.conf.compose()))
            door.load(self.base)
        except ConfigError as error:
            self.report.problems += [f"config: {problem}" for problem in error.problems]
            return
        # The groups of the defaults list; others are added to it by a plus.
        self.chosen = set(self.conf.compose(hydra=True).hydra.runtime.choices)
        # Models first: what comes after is checked against them.
        for group in sorted(self.conf.files, key=lambda group: (group != "model", group)):
            for option, findings in self._group(group):
                self._collect(self.conf.files[group][option], findings)

    def _group(self, group: str) -> Iterator[tuple[str, Iterator[Finding]]]:
        if group in _PLACES:
            for option, node in self.conf.nodes(group):
                yield option, self._part(group, option, node)
            return
        whole = {
            "task": self._task,
            "mapping": self._mapping,
            "prompt": self._prompt,
            "sweep": self._sweep,
        }
        found = {**whole, "decision": self._decision}.get(group, partial(self._other, group))
        for option in self.conf.files[group]:
            yield option, found(option)

    def _collect(self, file: Path, findings: Iterator[Finding]) -> None:
        self.report.checked += 1
        try:
            for level, text in findings:
                getattr(self.report, level).append(f"{near(file)}: {text}")
        except RunnerError as error:
            self.report.problems += [f"{near(file)}: {line}" for line in str(error).splitlines()]

    def _part(self, group: str, option: str, node: Any) -> Iterator[Finding]:
        """An option that is one part of a job."""
        if isinstance(node, ConfigError):
            raise node
        job = self._job(_PLACES[group], node)
        yield from _named(option, node.get("name"), "problems")
        if group == "model":
            self.models[option] = job.model
            yield from self._model(option, job.model)
        elif group == "fallback":
            chain = {f"chain.{key}": model for key, model in job.fallback.chain.items()}
            yield from self._in_use(reached(chain))

    def _job(self, place: str, node: Any) -> Job:
        """The default job with one part exchanged."""
        cfg = deepcopy(self.base)
        OmegaConf.update(cfg, place, node, merge=False, force_add=True)
        try:
            return door.load(cfg)
        except ConfigError as error:
            raise ConfigError(*(p.removeprefix(f"{place}.") for p in error.problems)) from None

    def _load(self, override: str) -> Job:
        """The default job with one override; a task that has no model gets the default one."""
        cfg = deepcopy(self.conf.compose(override))
        if cfg.get("model") is None and cfg.task.name not in (cfg.get("mapping") or {}):
            OmegaConf.update(cfg, "model", self.base.model, force_add=True)
        return door.load(cfg)

    def _model(self, option: str, model: Model) -> Iterator[Finding]:
        if not isinstance(model, Single):  # made of models that have files of their own
            yield from self._in_use(reached(model.parts()))
            return
        # The seed folder keeps an old table as it was printed.
        level: Level = "details" if option.startswith("seed/") else "notes"
        if problem := pins.unpinned(model):
            yield ("details" if model.allow_unpinned else "problems"), problem
        for difference in pins.price_differences(model):
            yield level, difference
        yield from self._price(model, level)
        yield from self._retirement(model, level)

    def _price(self, model: Single, level: Level) -> Iterator[Finding]:
        if model.price is None or model.price.checked is None:
            return
        age = self.today - model.price.checked
        if not model.price.source.strip():
            yield "problems", "price.source: is empty; say where the price stands"
        if age < timedelta(0):
            yield "problems", f"price.checked: {model.price.checked} is yet to come"
        if age > STALE:
            yield level, f"price.checked: {model.price.checked} is {age.days} days ago"

    def _retirement(self, model: Single, level: Level) -> Iterator[Finding]:
        if model.successor and model.successor not in self.conf.files["model"]:
            near = did_you_mean(model.successor, self.conf.files["model"])
            yield "problems", f"successor: no model '{model.successor}'{near}"
        if gone := pins.retired(model, self.today):
            yield (level if model.successor else "problems"), f"retires: {gone}"
        elif model.retires and model.retires - self.today <= SOON:
            days = (model.retires - self.today).days
            instead = f"; then use model={model.successor}" if model.successor else ""
            yield level, f"retires: {model.retires}, in {days} days{instead}"

    def _in_use(self, models: Mapping[str, Single]) -> Iterator[Finding]:
        for where, model in models.items():
            if gone := pins.retired(model, self.today):
                yield "problems", f"{where}: {gone}"

    def _task(self, option: str) -> Iterator[Finding]:
        job = self._load(f"task={option}")
        yield from _named(option, job.task.name, "notes")
        yield from self._in_use(job.models)
        requirements.check(job.requirements, job.task)
        loaded = scorers.load(job.task, self.tasks_dirs)
        found = (folder / job.task.cases for folder in self.tasks_dirs)
        file = next((f for f in found if f.is_file()), None) or paths.cases_file(job.task.cases)
        for case in cases.read(file):
            cases.render(job.task, case)
            for name, scorer in loaded.items():
                if problem := scorer.check(case, job.task):
                    yield "problems", f"{near(file)}: case '{case.id}': {name}: {problem}"

    def _mapping(self, option: str) -> Iterator[Finding]:
        tasks = self.conf.files["task"]
        mapping = dict(self.conf.compose(f"mapping={option}").mapping)
        changed = mapping.pop(overrides.KEY, None) or {}
        for task, node in mapping.items():
            if task not in tasks:
                yield "problems", f"{task}: no such task{did_you_mean(task, tasks)}"
            yield from self._in_use(reached({task: self._job("model", node).model}))
        for task in changed:
            if task not in mapping or task not in tasks:
                near = did_you_mean(task, mapping)
                yield "problems", f"{overrides.KEY}.{task}: the mapping has no such task{near}"
            else:
                door.load(self.conf.compose(f"task={task}", f"mapping={option}"))

    def _prompt(self, option: str) -> Iterator[Finding]:
        """Whichever task it is for: its variables are those of that task's cases."""
        job = self._load(f"prompt={option}")
        yield from _named(option, job.task.prompt_name or "null", "problems", "prompt_name")

    def _sweep(self, option: str) -> Iterator[Finding]:
        composed = self.conf.compose(f"sweep={option}", hydra=True)
        if composed.get("sweep"):
            yield "problems", "`# @package _global_` is missing above: this sweeps nothing"
            return
        params = composed.hydra.sweeper.params or {}
        if params and composed.hydra.mode != RunMode.MULTIRUN:
            yield "problems", "hydra.mode: say MULTIRUN, or it is a single run"
        for key, value in params.items():
            for choice in _choices(key, value):
                if key != "model":
                    self._load(f"{key}={choice}")
                elif choice in self.models:
                    yield from self._in_use(reached({f"model={choice}": self.models[choice]}))
                elif choice not in self.conf.files["model"]:
                    near = did_you_mean(choice, self.conf.files["model"])
                    yield "problems", f"model={choice}: no such model{near}"

    def _decision(self, option: str) -> Iterator[Finding]:
        node = self.conf.compose(f"+decision={option}", config=None).decision
        named = {n: m for n, m in self.models.items() if isinstance(m, Single) and "/" not in n}
        validated(DecisionTree, door.resolved(node)).check_names(named, [])
        yield from ()

    def _other(self, group: str, option: str) -> Iterator[Finding]:
        """What belongs to another command: it must compose at least."""
        if group:
            self.conf.compose(f"{'' if group in self.chosen else '+'}{group}={option}")
        else:
            self.conf.compose(config=option)
        yield from ()


def _named(option: str, name: str, level: Level, key: str = "name") -> Iterator[Finding]:
    """Reports show the name, commands take the option: better they are one word."""
    if name != (expected := option.replace("/", "-")):
        yield level, f"{key}: is '{name}', the file says '{expected}'"


def _choices(key: str, value: Any) -> list[str]:
    """What a sweep tries for a key, taken apart as Hydra's own sweeper does."""
    try:
        override = OverridesParser.create().parse_override(f"{key}={value}")
    except HydraException as error:
        raise ConfigError(f"hydra.sweeper.params.{key}: {str(error).splitlines()[0]}") from None
    return list(override.sweep_string_iterator()) if override.is_sweep_override() else [str(value)]
