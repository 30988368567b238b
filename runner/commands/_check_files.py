"""What `check` finds: every option, composed, typed, and held against all the others."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf

from runner import scorers
from runner.calls.route import questions
from runner.cases import cases, prompt
from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.query import Query, cramped, query
from runner.commands import _facts
from runner.commands._facts import Finding, Level
from runner.config import loading, overrides, paths, pins, sources
from runner.config.catalogue import Options
from runner.config.schema import Job, Model, Single, Task, Tool
from runner.config.schema.composite import reached
from runner.config.sources import Difference
from runner.config.validation import validated
from runner.decide.select.tree import DecisionTree
from runner.errors import ConfigError, RunnerError, did_you_mean
from runner.measure import requirements
from runner.pipeline import conversation, tool_results
from runner.record.outcomes import Reply
from runner.report.console import near
from runner.scorers import Scorer, Unscored

# Where an option of a group stands in a job.
_PLACES = {
    "model": "model",
    "provider": "model.provider",
    "requirements": "requirements",
    "retry": "retry",
    "fallback": "fallback",
}
_OF_MODELS = ("model", "sweep", "decision")  # groups whose options name models by their options


@dataclass
class Report:
    """A line each, as `file: key: what is wrong`."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)  # expected; for the curious
    differences: list[tuple[str, Difference]] = field(default_factory=list)  # with its model
    checked: int = 0  # options
    left: int = 0  # options that came with the program, and are checked when they are asked for


def check_files(
    config_dirs: Sequence[Path],
    tasks_dirs: Sequence[Path],
    today: date,
    groups: Collection[str] = (),
    *,
    shipped: bool = True,
    compiles: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Report:
    """Check all that `config_dirs` hold, the first one first: its options hide ours.

    `groups`: only these, after the models and the tasks that they are checked against. Without
    `shipped`, nothing is said of what is in the last directory. With `compiles` requests to all
    models are compiled, which takes litellm. `done` is called at each option.
    """
    conf = Options([directory for directory in config_dirs if directory.is_dir()])
    with conf.open():
        leave = None if shipped else conf.directories[-1]
        checker = _Checker(conf, tasks_dirs, today, leave, done, compiles)
        checker.run(groups)
    return checker.report


class _Checker:
    def __init__(
        self,
        conf: Options,
        tasks_dirs: Sequence[Path],
        today: date,
        leave: Path | None,
        done: Callable[[], None],
        compiles: bool,
    ) -> None:
        self.conf, self.tasks_dirs, self.today = conf, tasks_dirs, today
        self.leave, self.done, self.compiles = leave, done, compiles
        self.report = Report()
        self.models: dict[str, Model] = {}  # the valid ones, by option
        self.tasks: dict[str, Task] = {}  # likewise

    def run(self, groups: Collection[str]) -> None:
        try:
            self.base = OmegaConf.create(loading.plain(self.conf.compose()))
            self.job = loading.load(self.base)
        except ConfigError as error:
            self.report.problems += [f"config: {problem}" for problem in error.problems]
            return
        # The groups of the defaults list; others are added to it by a plus.
        choices = self.conf.compose(hydra=True).hydra.runtime.choices
        self.chosen, self.chosen_task = set(choices), choices["task"]
        unknown = [group for group in groups if group not in self.conf.files]
        if unknown:
            near = did_you_mean(unknown[0], self.conf.files)
            raise ConfigError(f"{unknown[0]}: no such folder of conf/{near}")
        # Models and tasks first: what comes after is checked against them.
        first = ["model", "task"]
        order = [*first, *sorted(set(self.conf.files) - set(first))]
        wanted = {*groups, *(first if set(groups) - set(first) else [])} or set(order)
        for group in filter(wanted.__contains__, order):
            for option, findings in self._group(group):
                self._collect(self.conf.files[group][option], findings)
            if group == "model":
                self._sources()
            if group == "model" and self.compiles:
                self._compile()

    def _compile(self) -> None:
        from runner.calls.compile import Templates
        from runner.commands import _check_compiled

        templates = Templates()
        for option, model in self.models.items():
            file = self.conf.files["model"][option]
            if isinstance(model, Single) and not pins.unaskable(model) and not self._left(file):
                self._note(file, _check_compiled.of_model(model, self.job.task, templates))

    def _sources(self) -> None:
        """Facts are held against what others say; a successor has to be known by its id."""
        models = {name: each for name, each in self.models.items() if isinstance(each, Single)}
        ids = {option: model.id for option, model in models.items()}
        for option, model in models.items():
            if self._left(self.conf.files["model"][option]):
                continue
            found = sources.differences(model, self.today, ids)
            if "/" in option:  # a folder keeps an old table as it was printed
                self.report.details += [f"{option}: {each}" for each in found]
                continue
            self.report.differences += [(option, each) for each in found]
            if alone := sources.unsourced(model, self.today, ids):
                self.report.details.append(f"{option}: in its file alone: {', '.join(alone)}")
        for fact in ("default", "lowest") if self.leave is None else ():
            if unknown := _facts.thinking_unknown(models, fact):
                self.report.notes.append(
                    f"conf/model: reasoning.{fact}: nobody says it of {unknown}"
                )

    def _group(self, group: str) -> Iterator[tuple[str, Iterator[Finding]]]:
        if group in _PLACES:
            wanted = [option for option in self.conf.files[group] if self._needed(group, option)]
            for option in self.conf.files[group].keys() - wanted:
                yield option, iter(())
            for option, node in self.conf.nodes(group, wanted):
                yield option, self._part(group, option, node)
            return
        whole = {
            "task": self._task,
            "mapping": self._mapping,
            "prompt": self._prompt,
            "sweep": self._sweep,
            "tools": self._tool,
        }
        found = {**whole, "decision": self._decision}.get(group, partial(self._other, group))
        for option, file in self.conf.files[group].items():
            yield option, iter(()) if self._left(file) else found(option)

    def _needed(self, group: str, option: str) -> bool:
        """Whether anything is said of an option; own ones may speak of any model."""
        of_models = (f for name in _OF_MODELS for f in self.conf.files.get(name, {}).values())
        return not self._left(self.conf.files[group][option]) or (
            group == "model" and not all(map(self._left, of_models))
        )

    def _left(self, file: Path) -> bool:
        return self.leave is not None and file.is_relative_to(self.leave)

    def _collect(self, file: Path, findings: Iterator[Finding]) -> None:
        self.done()
        if self._left(file):
            with suppress(RunnerError):  # own options are checked against the models that they name
                deque(findings, maxlen=0)
            self.report.left += 1
            return
        self.report.checked += 1
        self._note(file, findings)

    def _note(self, file: Path, findings: Iterator[Finding]) -> None:
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
            return loading.load(cfg)
        except ConfigError as error:
            raise ConfigError(*(p.removeprefix(f"{place}.") for p in error.problems)) from None

    def _load(self, override: str) -> Job:
        """The default job with one override; a task that has no model gets the default one."""
        of_task = [] if override.startswith("task=") else [f"task={self.chosen_task}"]
        cfg = deepcopy(self.conf.compose(override, *of_task))
        if cfg.get("model") is None and cfg.task.name not in (cfg.get("mapping") or {}):
            OmegaConf.update(cfg, "model", self.base.model, force_add=True)
        return loading.load(cfg)

    def _model(self, option: str, model: Model) -> Iterator[Finding]:
        if not isinstance(model, Single):  # made of models that have files of their own
            yield from self._in_use(reached(model.parts()))
            yield from self._room(model, self.job.task, roles=["classifier"])
            return
        level: Level = "details" if option.startswith("seed/") else "notes"
        if problem := pins.unaskable(model):
            yield "problems", problem
        if problem := pins.unpinned(model):
            yield ("details" if model.allow_unpinned else "problems"), problem
        for finding in _facts.of_price(model, self.today):
            yield finding if finding[0] == "problems" else (level, finding[1])
        for finding in _facts.of_retirement(model, self.today, self.conf.files["model"]):
            yield finding if finding[0] == "problems" else (level, finding[1])

    def _in_use(self, models: Mapping[str, Single]) -> Iterator[Finding]:
        for where, model in models.items():
            if gone := pins.retired(model, self.today):
                yield "problems", f"{where}: {gone}"
            elif model.retires and model.retires - self.today <= _facts.SOON:
                yield "notes", f"retires: {where}: {model.name} on {model.retires}"

    def _room(
        self, model: Model, task: Task, roles: Collection[str] = ("answer", "classifier")
    ) -> Iterator[Finding]:
        """Where what is thought first leaves no room for an answer."""
        asked = query(task, Case(id="-", input="-"), [], None)
        yield from _cramped(
            task, (each for each in questions(model, asked) if each[1].role in roles)
        )

    def _task(self, option: str) -> Iterator[Finding]:
        job = self._load(f"task={option}")
        yield from _named(option, job.task.name, "notes")
        self.tasks[option] = job.task
        yield from self._in_use(job.models)
        requirements.check(job.requirements, job.task)
        loaded = scorers.load(job.task, self.tasks_dirs)
        if job.task.steps > 1:
            tool_results.functions(job.task)
        judges = [scorer for scorer in loaded.values() if scorer.asks]
        found = (folder / job.task.cases for folder in self.tasks_dirs)
        file = next((f for f in found if f.is_file()), None) or paths.cases_file(job.task.cases)
        for case in cases.read(file):
            prompt.render(job.task, case)
            if problem := tool_results.problem(job.task, case):
                yield "problems", f"{near(file)}: case '{case.id}': {problem}"
            scored = conversation.views(case) if case.turns else [(0, case)]
            for turn, view in scored:
                where = f"case '{case.id}'" + (f", turn {turn}" if turn else "")
                for name, scorer in loaded.items():
                    if problem := scorer.check(view, job.task):
                        yield "problems", f"{near(file)}: {where}: {name}: {problem}"
                for judge in judges:
                    yield from _cramped(job.task, _asked(judge, view, job.task))
                judges = []  # the first case says it of all

    def _mapping(self, option: str) -> Iterator[Finding]:
        tasks = self.conf.files["task"]
        mapping = dict(self.conf.compose(f"mapping={option}").mapping)
        changed = mapping.pop(overrides.KEY, None) or {}
        for task, node in mapping.items():
            if task not in tasks:
                yield "problems", f"{task}: no such task{did_you_mean(task, tasks)}"
            model = self._job("model", node).model
            yield from self._in_use(reached({task: model}))
            if task in self.tasks and task not in changed:
                yield from self._room(model, self.tasks[task])
        for task in changed:
            if task not in mapping or task not in tasks:
                near = did_you_mean(task, mapping)
                yield "problems", f"{overrides.KEY}.{task}: the mapping has no such task{near}"
            else:
                job = loading.load(self.conf.compose(f"task={task}", f"mapping={option}"))
                yield from self._room(job.model, job.task)

    def _prompt(self, option: str) -> Iterator[Finding]:
        """Whichever task it is for: its variables are those of that task's cases."""
        job = self._load(f"prompt={option}")
        yield from _named(option, job.task.prompt_name or "null", "problems", "prompt_name")

    def _tool(self, option: str) -> Iterator[Finding]:
        node = self.conf.compose(f"+tools={option}", config=None).tools
        yield from _named(option, validated(Tool, loading.resolved(node)).name, "problems")

    def _sweep(self, option: str) -> Iterator[Finding]:
        composed = self.conf.compose(f"sweep={option}", hydra=True)
        params = composed.hydra.sweeper.params or {}
        if params and composed.hydra.mode != RunMode.MULTIRUN:
            yield "problems", "hydra.mode: say MULTIRUN, or it is a single run"
        tried = {key: _choices(key, value) for key, value in params.items()}
        yield from self._rooms(tried)
        for key, choices in tried.items():
            for choice in choices:
                if key != "model":
                    self._load(f"{key}={choice}")
                elif choice in self.models:
                    yield from self._in_use(reached({f"model={choice}": self.models[choice]}))
                elif choice not in self.conf.files["model"]:
                    near = did_you_mean(choice, self.conf.files["model"])
                    yield "problems", f"model={choice}: no such model{near}"

    def _rooms(self, tried: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
        for task in tried.get("task", ()):
            for model in tried.get("model", ()):
                if task in self.tasks and model in self.models:
                    yield from self._room(self.models[model], self.tasks[task])

    def _decision(self, option: str) -> Iterator[Finding]:
        node = self.conf.compose(f"+decision={option}", config=None).decision
        named = {n: m for n, m in self.models.items() if isinstance(m, Single) and "/" not in n}
        validated(DecisionTree, loading.resolved(node)).check_names(named, [])
        yield from ()

    def _other(self, group: str, option: str) -> Iterator[Finding]:
        """What belongs to another command: it must compose at least."""
        if group:
            self.conf.compose(f"{'' if group in self.chosen else '+'}{group}={option}")
        else:
            self.conf.compose(config=option)
        yield from ()


def _cramped(task: Task, asked: Iterable[tuple[Single, Query]]) -> Iterator[Finding]:
    for single, question in asked:
        if why := cramped(single, question):
            yield "notes", f"max_tokens: task={task.name}: {why}"


def _asked(judge: Scorer, case: Case, task: Task) -> Iterator[tuple[Single, Query]]:
    """What a scorer asks first of a model of its own; nobody answers."""
    found: list[tuple[Single, Query]] = []

    async def ask(model: Model, wanted: Query) -> CallLog:
        found.extend(questions(model, replace(wanted, role="judge")))
        raise Unscored("nobody is asked")

    reply = Reply(
        text="-", finish_reason="stop", usage=None, seconds=0.0, model_served=None, request={}
    )
    with suppress(RunnerError):
        asyncio.run(judge(reply, case, task, ask))
    return iter(found)


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
