"""Configs of promptfoo: prompts, providers, tests, what is asserted of their answers.

https://www.promptfoo.dev/docs/configuration/reference/ says what each key means there.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.config import json_schema
from runner.decide.bring import assertions, prompts
from runner.decide.bring.brought import Brought, BroughtTask, Prompt
from runner.decide.bring.models import Candidates, by_name
from runner.decide.bring.sources import Ledger, Part, Source
from runner.decide.bring.wanted import JUDGE, Test, Wanted, filled, ids, named, printed, tasks
from runner.errors import ConfigError

KEYS = {"prompts", "providers", "targets", "tests", "scenarios", "defaultTest"}


def read(ledger: Ledger, file: Path) -> Brought:
    """Raises ConfigError for a file that can't be read, or has nothing to ask."""
    root = ledger.open(file)
    if isinstance(root.value, dict) and isinstance(root.value.get("config"), dict):
        config = root.get("config")  # results, exported: how they came about
        assert config is not None
        root = config
    return _Config(ledger, root, file).brought()


@dataclass
class _Case:
    """A test on its way: parts of it and of all that it takes over."""

    name: str
    vars: list[dict[str, Any]]
    asserts: list[Part]
    tags: list[str]


class _Config:
    def __init__(self, ledger: Ledger, root: Part, file: Path) -> None:
        self.ledger, self.root, self.home = ledger, root, file.parent
        self.out = Brought("promptfoo")
        self.candidates = Candidates(self.out)
        self.judges: list[str] = []

    def brought(self) -> Brought:
        self.root.text("$schema")
        if about := self.root.text("description"):
            self.out.head.append(" ".join(about.split()))
        for key in ("providers", "targets"):
            for part in self._list(self.root, key):
                self.candidates.add(part)
        found = self._prompts()
        if self.out.models == [] and self.root.get("providers"):
            self.out.notes.append("no provider could be carried: the embedded model stands in")
        default = self._default()
        cases = [case for part in self._tests(self.root) for case in self._case(part, default)]
        cases += self._scenarios(default)
        if not cases:
            cases = list(self._empty(default))
        made = self._made(cases, found)
        judge = self._judge()
        sampling, form = self.candidates.shared()
        first = found[0]
        if not re.fullmatch(r"\d+", first.label):
            self.out.head.append(f"Its own prompt was called {first.label} there.")
        self.out.prompts = found[1:]

        def shared(task: BroughtTask) -> None:
            task.prompt, task.system = first.prompt, first.system
            task.sampling = sampling
            _format(task, form)

        self.out.tasks = tasks(made, judge, shared)
        self._say(judge)
        return self.out

    def _list(self, part: Part, key: str) -> list[Part]:
        """The entries of a list, with those of the files that it names."""
        found = part.get(key)
        return [each for entry in found.listed() for each in self._opened(entry)] if found else []

    def _opened(self, part: Part) -> Iterator[Part]:
        name = part.value
        if not (isinstance(name, str) and re.search(r"\.(ya?ml|json|jsonl|csv|tsv)$", name)):
            yield part
            return
        if part.path[:1] == ("prompts",):
            yield part
            return
        try:
            files = prompts.matching(name.removeprefix("file://"), self.home)
        except ValueError as error:
            part.leave(str(error))
            return
        part.take()
        for file in files:
            yield from self.ledger.open(file).listed()

    def _prompts(self) -> list[Prompt]:
        entry = self.root.get("prompts")
        parts = entry.listed() if entry else []
        if entry and isinstance(entry.value, dict) and not {"id", "raw"} & entry.value.keys():
            parts = entry.parts()
        found = [each for part in parts for each in prompts.read(part, self.home)]
        if not found:
            said = "no prompt could be carried" if parts else "there is none"
            self.out.notes.append(f"prompt: {said}; cases are asked as {{{{ prompt }}}}")
            found = [Prompt("default", "{{ prompt }}")]
        names = ids([each.label for each in found])
        return [
            Prompt(name, each.prompt, each.system) for name, each in zip(names, found, strict=True)
        ]

    def _default(self) -> _Case:
        parts = self._list(self.root, "defaultTest")
        if not parts:
            return _Case("", [{}], [], [])
        nothing = _Case("", [{}], [], [])
        return next(self._case(parts[0], nothing, is_default=True), nothing)

    def _tests(self, part: Part) -> list[Part]:
        return self._list(part, "tests")

    def _case(self, part: Part, base: _Case, *, is_default: bool = False) -> Iterator[_Case]:
        if not isinstance(part.value, dict) or "path" in part.value:
            part.leave("is no test: an object is, or a file of them; code makes none here")
            return
        if _is_row(part):
            part = _row(part, self.ledger)
        own = self._vars(part, expand=not is_default)
        asserts = [each for key in ("assert", "asserts") for each in self._asserts(part, key)]
        self._options(part)
        if is_default and (about := part.get("description")):
            about.leave("a case is called by its own")
        name = "" if is_default else part.text("description")
        if threshold := part.get("threshold"):
            threshold.leave("all checks have to hold: `all: false` counts their share", "changed")
        merged = [before | each for before in base.vars for each in own]
        metadata = _tags(part.get("metadata"))
        yield _Case(name, merged, [*base.asserts, *asserts], [*base.tags, *metadata])

    def _vars(self, part: Part, *, expand: bool) -> list[dict[str, Any]]:
        """The variables of a test: of lists, every combination."""
        options = part.get("options")
        fixed = options.get("disableVarExpansion") if options else None
        if fixed:
            expand = expand and not fixed.take()
        found = part.get("vars")
        if found is None:
            return [{}]
        opened = list(self._opened(found)) if isinstance(found.value, str) else [found]
        given: dict[str, list[Any]] = {}
        for variables in opened:
            for each in variables.parts():
                value = self._file(each) if _names_file(each.value) else each.take()
                lists = value if expand and isinstance(value, list) and value else [value]
                given[str(each.path[-1])] = lists
        return [
            dict(zip(given, values, strict=True)) for values in itertools.product(*given.values())
        ]

    def _file(self, part: Part) -> Any:
        """The text of a file that a variable names; the name of it where that is left."""
        try:
            return self._load(part.value, part)
        except ValueError as error:
            part.leave(str(error))
            return part.value

    def _load(self, name: str, part: Part) -> Any:
        """Raises ValueError saying why not."""
        file = name.removeprefix("file://")
        if re.search(r"\.(py|js|mjs|cjs|ts)(:\w+)?$", file):
            raise ValueError(f"'{file}' is code: write what it makes")
        [first, *_] = prompts.matching(file, self.home)
        if first.suffix in (".json", ".yaml", ".yml"):
            try:
                value = self.ledger.open(first).take()
            except ConfigError as error:
                raise ValueError(str(error)) from None
            part.take()
            return value
        try:
            text = first.read_text(encoding="utf-8-sig")
        except ValueError:
            raise ValueError(f"'{file}' is no text") from None
        part.take()
        return text

    def _asserts(self, part: Part, key: str) -> list[Part]:
        found = part.get(key)
        return [self._referred(each) for each in found.listed()] if found else []

    def _referred(self, part: Part) -> Part:
        """What a `$ref: '#/…'` means."""
        ref = part.value.get("$ref") if isinstance(part.value, dict) else None
        if not isinstance(ref, str) or not ref.startswith("#/"):
            return part
        target: Part | None = Part(part.source, (), part.source.root.value)
        for key in ref.removeprefix("#/").split("/"):
            target = target.get(key) if target else None
        if target is None:
            return part
        part.text("$ref")
        return target

    def _options(self, part: Part) -> None:
        options = part.get("options")
        if options is None:
            return
        if not options.value:
            options.take()
        if transform := options.get("transform"):
            transform.leave("is code: answers are scored as they are", "to write")
        grader = options.get("provider")
        if grader is None:
            return
        if isinstance(grader.value, dict) and "text" in grader.value:
            if text := grader.get("text"):
                self._grader(text)
            return
        self._grader(grader)

    def _grader(self, part: Part) -> None:
        """Who judges: one of ours, whoever it is."""
        at = part.get("id") if isinstance(part.value, dict) else part
        found = by_name(at.value) if at and isinstance(at.value, str) else "names no model"
        if isinstance(found, str) or at is None:
            part.leave(f"as the judge, {found}")
        elif found.own:
            part.leave("is none of our models: write its file, and name it as the judge's model")
        elif self.judges and self.judges[0] != found.option:
            part.leave(f"a task has one judge: {self.judges[0]}")
        else:
            at.take()
            self.judges.append(found.option)

    def _scenarios(self, default: _Case) -> list[_Case]:
        found = []
        for scenario in self._list(self.root, "scenarios"):
            about = scenario.text("description")
            configs = self._list(scenario, "config")
            parts = self._tests(scenario)
            if not parts and isinstance(scenario.value, dict):
                self.out.notes.append("a scenario has no tests")
            for config in configs:
                [base] = list(self._case(config, default)) or [default]
                for part in parts:
                    for case in self._case(part, base):
                        case.name = " ".join(filter(None, (base.name, case.name)))
                        case.tags += [f"scenario={about}"] if about else []
                        found.append(case)
        return found

    def _empty(self, default: _Case) -> Iterator[_Case]:
        """Without tests each prompt is asked as it stands."""
        self.out.notes.append("there are no tests: the prompt alone is the one case")
        yield default

    def _made(self, cases: list[_Case], found: list[Prompt]) -> list[Test]:
        needed = set[str]()
        for each in found:
            for text in each.texts:
                names = named(text)
                needed |= names if isinstance(names, set) else set()
        texts = [text for each in found for text in each.texts]
        whole = [(case, given) for case in cases for given in case.vars]
        made = []
        for (case, given), name in zip(whole, ids([c.name for c, _ in whole]), strict=True):
            variables = dict.fromkeys(sorted(needed), "") | given
            variables = {
                key: filled(value, variables) if isinstance(value, str) else value
                for key, value in variables.items()
            }
            for key, value in variables.items():
                if isinstance(value, bool | list | dict) and printed(key, texts):
                    variables[key] = json.dumps(value, ensure_ascii=False)  # as JavaScript does
            wanted = Wanted()
            for part in case.asserts:
                if isinstance(part.value, dict) and (grader := part.get("provider")):
                    self._grader(grader)
                assertions.read(part, variables, wanted, self.out, self._load)
            test = Test(name, variables or {"input": ""}, wanted, case.tags)
            made.append(test)
        return made

    def _judge(self) -> str:
        return self.judges[0] if self.judges else JUDGE

    def _say(self, judge: str) -> None:
        scorers = [task.scorers for task in self.out.tasks]
        if any("judge" in each for each in scorers):
            named = "as the file says" if self.judges else "as the file names none that we have"
            self.out.notes.append(f"judge: {judge}, {named}")
            if judge in self.out.models:
                for each in scorers:
                    if "judge" in each:
                        each["judge"]["allow_self_judging"] = True
                self.out.notes.append(f"judge: {judge} is a candidate, too, and judges itself")
        for task in self.out.tasks:
            if task.quality:
                others = ", ".join(name for name in task.scorers if name != task.quality)
                self.out.notes.append(f"quality counts {task.quality}; {others} beside it")
        if self.out.requirements:
            self.out.notes.append(
                "cost and latency are bounds of the whole task: see conf/requirements"
            )


def _names_file(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("file://")


def _tags(part: Part | None) -> list[str]:
    if part is None:
        return []
    tags = []
    for each in part.parts():
        values = each.value if isinstance(each.value, list) else [each.value]
        if all(isinstance(value, str | int | float) for value in values):
            each.take()
            tags += [f"{each.path[-1]}={value}" for value in values]
    if not part.value:
        part.take()
    return tags


def _format(task: BroughtTask, form: Any) -> None:
    """What providers are asked to answer in: JSON, perhaps by a schema."""
    if not isinstance(form, dict) or not str(form.get("type")).startswith("json"):
        return
    task.output = "json"
    schema = form.get("schema") or (form.get("json_schema") or {}).get("schema")
    if isinstance(schema, dict) and json_schema.problem(schema) is None:
        task.json_schema = schema


def _is_row(part: Part) -> bool:
    return part.source.file.suffix in (".csv", ".tsv")


_COLUMN = re.compile(
    r"__(expected\d*|description|metric|threshold|prefix|suffix|provider\w*"
    r"|metadata:.+|config:.+)$"
)


def _row(part: Part, ledger: Ledger) -> Part:
    """A row of a table as a test: columns are variables, `__expected` what is asserted."""
    cells = part.value["input"] if isinstance(part.value.get("input"), dict) else part.value
    variables, asserts, test = {}, [], {}
    for column, cell in cells.items():
        match = _COLUMN.match(column)
        if match is None:
            variables[column] = cell
        elif column.startswith("__expected") and str(cell).strip():
            asserts.append(_asserted(str(cell)))
        elif column == "__description":
            test["description"] = cell
        elif column.startswith("__metadata:") and cell:
            key = column.removeprefix("__metadata:").removesuffix("[]")
            listed = column.endswith("[]")
            test.setdefault("metadata", {})[key] = cell.split(",") if listed else cell
        elif cell:
            test[column.removeprefix("__") if column == "__threshold" else column] = cell
    part.take()
    file = part.source.file
    key = file.with_name(f"{file.name}:{part.line}")
    if key not in ledger.sources:
        test |= {"vars": variables, "assert": asserts}
        ledger.sources[key] = Source(ledger, file, test, {(): part.line})
    return ledger.sources[key].root


def _asserted(cell: str) -> dict[str, Any]:
    """A cell in promptfoo's short form: `contains: x`, `rouge-n(0.6): x`; else what equals."""
    match = re.match(r"^\s*((?:not-)?[a-z]+(?:-[a-z]+)*)(?:\((\d*\.?\d+)\))?\s*:(.*)$", cell, re.S)
    codes = {"fn": "javascript", "eval": "javascript", "grade": "llm-rubric"}
    known = {*assertions.KNOWN, *codes}
    if match is None or match[1].removeprefix("not-") not in known:
        if cell.strip() in ("is-json", "contains-json", "not-is-json"):
            return {"type": cell.strip()}
        return {"type": "equals", "value": cell}
    found: dict[str, Any] = {"type": codes.get(match[1], match[1])}
    if match[2]:
        found["threshold"] = float(match[2])
    if match[3].strip() and found["type"] in ("latency", "cost") and "threshold" not in found:
        found["threshold"] = float(match[3])
    elif match[3].strip():
        found["value"] = match[3].strip()
    return found
