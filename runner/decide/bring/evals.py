"""OpenAI's hosted evals: an eval with its graders, a run's template, and the items.

One JSON file that holds them, as the API gave them: `testing_criteria`, `data_source` (of a run)
and `eval_items`; or JSON lines with an `item` each. Templates are `{{ item.x }}` and
`{{ sample.output_text }}`. https://platform.openai.com/docs/api-reference/graders
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runner.config import json_schema
from runner.decide.bring.brought import Brought, BroughtTask
from runner.decide.bring.models import by_name, changed
from runner.decide.bring.prompts import FOLDED, as_chat, conversation
from runner.decide.bring.sources import UNKNOWN, Ledger, Part
from runner.decide.bring.wanted import JUDGE, Test, Wanted, filled, ids, named, tasks

KEYS = {"eval_items", "testing_criteria", "graders", "data_source_config"}
_OUTPUT = re.compile(r"^\s*\{\{-?\s*sample\.output_(text|json)\s*-?\}\}\s*$")
_OPERATIONS = {"eq": "equals", "ne": "not_equals", "like": "contains", "ilike": "icontains"}
_OF_RECORD = (
    "id",
    "object",
    "created_at",
    "eval_id",
    "report_url",
    "status",
    "result_counts",
    "per_model_usage",
    "per_testing_criteria_results",
    "error",
    "completed_at",
)
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_completions_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "max_tokens": "max_tokens",
    "reasoning_effort": "reasoning_effort",
}


def read(ledger: Ledger, file: Path) -> Brought:
    return _Eval(ledger.open(file)).brought()


class _Eval:
    def __init__(self, root: Part) -> None:
        self.root, self.out = root, Brought("evals")
        self.items: list[Part] = []
        self.graders: list[Part] = []
        self.template: list[Any] = []
        self.sampling: dict[str, Any] = {}
        self.form: Any = None
        self.judge = JUDGE

    def brought(self) -> Brought:
        if isinstance(self.root.value, list):
            self.items = self.root.parts()
        else:
            self._eval(self.root)
        prompt, system = self._prompt()
        tests = list(self._tests(system))
        needed = named(prompt) if isinstance(prompt, str) else {"item"}

        def shared(task: BroughtTask) -> None:
            task.prompt, task.sampling = prompt, self.sampling
            task.system = "" if "{{" in system else system
            if self.form is not None:
                task.output, task.json_schema = "json", self.form or None

        if isinstance(needed, set) and not needed and self.template:
            self.out.notes.append("prompt: names no key of an item")
        self.out.tasks = tasks(tests, self.judge, shared)
        if any("judge" in task.scorers for task in self.out.tasks):
            self.out.notes.append(f"judge: {self.judge}")
        for task in self.out.tasks:
            if task.quality:
                others = ", ".join(name for name in task.scorers if name != task.quality)
                self.out.notes.append(f"quality counts {task.quality}; {others} beside it")
        return self.out

    def _eval(self, part: Part) -> None:
        if inner := part.get("eval"):
            self._eval(inner)
        for key in _OF_RECORD:
            if found := part.get(key):
                found.leave("is a record of the run there")
        if name := part.text("name"):
            self.out.head.append(" ".join(name.split()))
        if config := part.get("data_source_config"):
            config.leave("is the schema of items there; cases show it themselves")
        for key in ("testing_criteria", "graders"):
            if found := part.get(key):
                self.graders += found.listed()
        for key in ("eval_items", "items", "data"):
            if found := part.get(key):
                self.items += found.listed()
        for run in found.listed() if (found := part.get("runs")) else []:
            self._run(run)
        self._run(part)

    def _run(self, part: Part) -> None:
        for key in _OF_RECORD if part.path else ():
            if found := part.get(key):
                found.leave("is a record of the run there")
        if source := part.get("data_source"):
            source.text("type")
            self._source(source)
        for key, of in (("model", part),):
            if found := of.get(key):
                self._model(found)

    def _source(self, source: Part) -> None:
        if model := source.get("model"):
            self._model(model)
        if messages := source.get("input_messages"):
            messages.text("type")
            if template := messages.get("template"):
                if self.template and self.template != template.value:
                    template.leave("a task has one prompt here, that of the first run")
                else:
                    self.template = template.take()
        if params := source.get("sampling_params"):
            self._params(params)
        if inner := source.get("source"):
            kind = inner.text("type")
            if content := inner.get("content"):
                if self.items:
                    content.leave("are the items of another run")
                else:
                    self.items += content.listed()
            elif kind:
                inner.leave("names items that are kept there: export them, too")

    def _model(self, part: Part) -> None:
        found = by_name(f"openai:{part.value}")
        if isinstance(found, str):
            part.leave(found)
            return
        if found.option not in self.out.models:
            self.out.models.append(found.option)
            self.out.own += [found.own] if found.own else []
        if why := changed(found):
            part.leave(why, "changed")
        else:
            part.take()

    def _params(self, params: Part) -> None:
        for each in params.parts():
            key = str(each.path[-1])
            form = each.value if isinstance(each.value, dict) else {}
            if key == "text" and isinstance(form.get("format"), dict):
                form = form["format"]
            schema = form.get("schema") or (form.get("json_schema") or {}).get("schema")
            if key in _SAMPLING:
                self.sampling.setdefault(_SAMPLING[key], each.take())
            elif key in ("response_format", "text") and str(form.get("type")).startswith("json"):
                usable = isinstance(schema, dict) and json_schema.problem(schema) is None
                self.form = schema if usable else {}
                each.take()
            else:
                each.leave(UNKNOWN)

    def _prompt(self) -> tuple[str | list[dict[str, str]], str]:
        """The user's text and the system's, over the keys of an item."""
        if not self.template:
            keys = dict.fromkeys(k for each in self.items for k in _item(each) or {})
            if "input" in keys:
                self.out.notes.append("prompt: none is in the file; cases are asked as their input")
                return "{{ input }}", ""
            self.out.notes.append("prompt: none is in the file; it names all keys of an item")
            lines = [f"{key}: {{{{ item.{key} }}}}" for key in keys if key.isidentifier()]
            return "\n".join(lines) or "{{ item }}", ""
        messages = [_plain(each) for each in self.template]
        system, prompt, folded = conversation(messages)
        if folded == FOLDED and (chat := as_chat(messages)):
            return chat, ""
        if folded:
            self.out.notes.append(f"prompt: {folded}")
        return prompt, system

    def _tests(self, system: str) -> Iterator[Test]:
        values = [_item(each) for each in self.items]
        kept = [
            (part, item) for part, item in zip(self.items, values, strict=True) if item is not None
        ]
        for part, item in zip(self.items, values, strict=True):
            if item is None:
                part.leave("has no item")
        for (part, item), name in zip(kept, ids(["" for _ in kept]), strict=True):
            _taken(part)
            wanted = Wanted()
            for grader in self.graders:
                self._grade(grader, {"item": item}, wanted)
            variables = {"item": item}
            if "input" in item and not self.template:
                variables = {"input": _asked(item["input"])}
                variables |= {"item": item} if len(item) > 1 else {}
            filled_system = filled(system, {"item": item}) if "{{" in system else None
            yield Test(name, variables, wanted, system=filled_system)

    def _grade(self, part: Part, variables: dict[str, Any], wanted: Wanted) -> None:
        kind = part.value.get("type") if isinstance(part.value, dict) else None
        match kind:
            case "string_check":
                self._string_check(part, variables, wanted)
            case "text_similarity":
                _similarity(part, variables, wanted)
            case "label_model" | "score_model":
                self._judged(part, variables, wanted)
            case "multi":
                for each in found.parts() if (found := part.get("graders")) else []:
                    self._grade(each, variables, wanted)
                part.text("type")
            case "python":
                part.leave(
                    "is code: write it as tasks/<task>/<name>.py (README, a scorer)", "to write"
                )
            case _:
                part.leave(UNKNOWN)

    def _string_check(self, part: Part, variables: dict[str, Any], wanted: Wanted) -> None:
        value = part.value
        operation, texts = value.get("operation"), [value.get("input"), value.get("reference")]
        outputs = [bool(_OUTPUT.match(str(each))) for each in texts]
        if operation not in _OPERATIONS or sum(outputs) != 1:
            part.leave(
                "compares something else than the whole answer with a text: write a "
                "scorer of your own",
                "to write",
            )
            return
        text = filled(str(texts[0] if outputs[1] else texts[1]), variables)
        if not text.strip():
            part.leave("the reference of an item is empty")
            return
        if outputs[1] and operation in ("like", "ilike"):
            part.leave(
                "asks whether the answer is within a text: write a scorer of your own", "to write"
            )
            return
        for key in ("type", "operation", "input", "reference"):
            part.text(key)
        check: dict[str, Any] = {_OPERATIONS[operation]: text}
        if name := part.get("name"):
            if len(self.graders) > 1:
                check["name"] = name.take()
            else:
                name.leave("the scorer has a name of its own here")
        wanted.checks.append(check)

    def _judged(self, part: Part, variables: dict[str, Any], wanted: Wanted) -> None:
        messages = part.value.get("input") or []
        try:
            system, prompt, _ = conversation([_plain(each) for each in messages])
        except ValueError as error:
            part.leave(str(error))
            return
        words = "\n\n".join(filter(None, (system, prompt)))
        words = re.sub(r"\{\{-?\s*sample\.output_(?:text|json)\s*-?\}\}", "(the answer)", words)
        rubric = filled(words, variables)
        if part.value["type"] == "label_model":
            good = ", ".join(map(str, part.value.get("passing_labels") or []))
            rubric = (
                f"A grader was told:\n{rubric}\nIts label for the answer would be one of: {good}."
            )
        else:
            bounds, least = part.value.get("range") or [0, 1], part.value.get("pass_threshold")
            enough = bounds[-1] if least is None else least
            rubric = (
                f"A grader was told:\n{rubric}\nOf scores from {bounds[0]} to {bounds[-1]} "
                f"it would give the answer {enough} or more."
            )
        if model := part.get("model"):
            found = by_name(f"openai:{model.value}")
            if isinstance(found, str) or found.own:
                model.leave(f"is none of our models: {self.judge} judges", "changed")
            else:
                self.judge = found.option
                model.take()
        part.leave("its words are the rubric of a judge that says yes or no", "changed")
        wanted.rubrics.append(rubric)


def _similarity(part: Part, variables: dict[str, Any], wanted: Wanted) -> None:
    metric = str(part.value.get("evaluation_metric"))
    known = {"rouge_1": "rouge1", "rouge_2": "rouge2", "rouge_l": "rougeL"}
    variant = known.get(metric)
    if variant is None or not _OUTPUT.match(str(part.value.get("input"))):
        part.leave(f"{metric} has no scorer here: rouge and judge are near it", "to write")
        return
    reference = filled(str(part.value.get("reference")), variables)
    if not re.search(r"\w", reference):
        part.leave("the reference of an item is empty")
        return
    if wanted.references and wanted.variant != variant:
        part.leave(f"a task has one rouge: {wanted.variant}")
        return
    for key in ("type", "input", "reference", "evaluation_metric"):
        part.text(key)
    if threshold := part.get("pass_threshold"):
        threshold.leave("the value counts as it is: set min_quality_score", "changed")
    if name := part.get("name"):
        name.leave("the scorer is called rouge")
    wanted.variant = variant
    wanted.references.append(reference)


def _item(part: Part) -> dict[str, Any] | None:
    value = part.value
    if isinstance(value, dict):
        for key in ("item", "datasource_item"):
            if isinstance(value.get(key), dict):
                return dict(value[key])
    return None


def _taken(part: Part) -> None:
    for key in ("item", "datasource_item"):
        if found := part.get(key):
            found.take()
    if sample := part.get("sample"):
        sample.leave("is an answer of a model: none is taken as expected")
    for key in (*_OF_RECORD, "results", "run_id"):
        if found := part.get(key):
            found.leave("is a record of the run there")


def _plain(message: Any) -> dict[str, Any]:
    """A message whose content may be one part instead of a list."""
    if not isinstance(message, dict):
        return {}
    content = message.get("content")
    return message | {"content": [content] if isinstance(content, dict) else content}


def _asked(given: Any) -> Any:
    """Messages as one text; whatever else it is, as it is."""
    try:
        system, prompt, _ = conversation(given) if isinstance(given, list) else ("", "", "")
    except ValueError:
        return given
    return "\n\n".join(filter(None, (system, prompt))) or given
