"""A first draft of a task, from its cases: the prompt that their keys make, and a way to score.

What the expected answers look like decides. It is a draft: a person who knows the work mends it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from runner.cases.cases import Case
from runner.cases.variables import reference
from runner.config.schema import Output
from runner.errors import ConfigError, did_you_mean

_LABEL_CHARS = 40
_LABELS = 30
_TEXT_CHARS = 120  # a longer expected answer is no text that another one has to hold
# What others call what is expected, where no row has an `expected`.
_EXPECTED = (
    *(
        "expected",
        "label",
        "labels",
        "answer",
        "target",
        "category",
        "gold",
        "ground_truth",
        "reference",
    ),
    *("class", "intent", "output", "team"),
)
_SHOWN = 5  # ids of rows
_WORD = 3  # so often a text has to come up among expected ones, on average, to be one of a set


@dataclass(frozen=True)
class Draft:
    """Keys of a task."""

    prompt: str
    scorers: dict[str, dict[str, Any]]
    why: str  # these scorers
    quality: str | None = None
    output: Output = "text"
    system: str = ""
    json_schema: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)  # what a person has to look at


def draft(inputs: Iterable[Any], expected: Iterable[Any]) -> Draft:
    """From the `input` of each case, a text or the prompt's variables, and what is expected.

    Raises ConfigError for a variable that no prompt can name.
    """
    prompt = _prompt([each for each in inputs if isinstance(each, Mapping)])
    wanted = list(expected)
    known = [each for each in wanted if each is not None]
    if not known or len(known) < len(wanted):
        why = "whether it answers at all: most scorers need an expected answer of every case"
        note = f"{len(wanted) - len(known)} of {len(wanted)} cases have no expected answer"
        return Draft(prompt, {"regex": {"pattern": r"\S"}}, why, notes=[note])
    if all(isinstance(each, Mapping) for each in known):
        return _of_objects(prompt, known)
    if all(_is_number(each) for each in known):
        return Draft(prompt, {"numeric": {}}, "every expected answer is a number")
    texts = [each for each in known if isinstance(each, str)]
    if len(texts) < len(known):
        return Draft(prompt, {"contains": {}}, "the share of the expected texts that it holds")
    counts = Counter(texts)
    if _are_labels(counts):
        labels = list(counts)
        words = "Answer with exactly one of these labels and nothing else: " + ", ".join(labels)
        why = f"{len(labels)} labels come up again and again"
        return Draft(prompt, {"label": {"labels": labels}}, why, system=words + ".")
    if max(map(len, texts)) <= _TEXT_CHARS:
        return Draft(prompt, {"contains": {}}, "whether the expected text is in the answer")
    note = "rouge counts words in common; a judge reads (conf/task/summarization_judged.yaml)"
    return Draft(prompt, {"rouge": {}}, "expected answers are long texts", notes=[note])


def with_expected(found: Sequence[Case], column: str | None) -> tuple[list[Case], list[str]]:
    """Cases whose variable `column` is what is expected, and what to say of how they were read.

    A variable that is left alone is the input. Rows without a text, and, where most have what is
    expected, those without that are left out. Raises ConfigError.
    """
    tables = [case.input for case in found if isinstance(case.input, dict)]
    texts = ["input"] if tables and any(isinstance(c.input, str) and c.input for c in found) else []
    names = list(dict.fromkeys([*texts, *(name for each in tables for name in each)]))
    if column and column not in (*names, "expected"):
        raise ConfigError(f"expected={column}: no such column{did_you_mean(column, names)}")
    said = []
    if column is None and names and all(case.wanted is None for case in found):
        column = next((n for each in _EXPECTED for n in names if n.lower() == each), None)
        if column:
            said.append(f"column '{column}' is what is expected; expected=… names another one")
        else:
            said.append(f"no column is called expected; expected=… names one of {', '.join(names)}")
    read = [_expecting(case, column, names) for case in found]
    most = sum(case.wanted is not None for case in read) * 2 > len(read)
    kept, left = list[Case](), list[str]()
    for case in read:
        if case.asked and (case.wanted is not None or not most):
            kept.append(case)
        else:
            left.append(case.id)
    if not kept:
        raise ConfigError("from: no row has a text")
    if left:
        more = f" and {len(left) - _SHOWN} more" if left[_SHOWN:] else ""
        ids = ", ".join(f"case {id}" for id in left[:_SHOWN])
        said.append(f"left out, for want of a text or of what is expected: {ids}{more}")
    told = (name for name in names if _gives_away(kept, name))
    said += [f"column '{name}' is in the prompt, and is what is expected" for name in told]
    return kept, said


def _gives_away(found: Sequence[Case], name: str) -> bool:
    """Whether a variable is the answer, in nine of ten cases."""
    both = [
        (case.input[name], case.wanted)
        for case in found
        if isinstance(case.input, dict) and name in case.input
    ]
    return bool(both) and 10 * sum(a == b for a, b in both) >= 9 * len(both)


def _expecting(case: Case, column: str | None, names: Sequence[str]) -> Case:
    """With each of the variables `names`, whichever of them its row has."""
    expected: Any = case.expected
    changes: dict[str, Any] = {}
    if names and not (case.messages or case.turns):
        given = case.input if isinstance(case.input, dict) else {"input": case.input}
        variables = dict.fromkeys(names, "") | given
        said = variables.pop(str(column), "")
        expected = case.expected if said == "" else said
        only = next(iter(variables.values())) if len(variables) == 1 else None
        some = variables if any(value != "" for value in variables.values()) else ""
        changes = {"input": only if isinstance(only, str) else some}
    if isinstance(expected, bool):
        expected = str(expected).lower()  # a label
    changes["expected"] = None if expected == "" else expected
    return Case.model_validate(case.model_dump() | changes)


def _prompt(variables: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for each in variables for name in each)
    written = {name: reference(name) for name in names}
    if "input" in names and (odd := [name for name in names if written[name] != name]):
        raise ConfigError(
            f"column '{odd[0]}': no prompt can name it beside `input`; rename one of the two"
        )
    return "\n".join(f"{_label(n)}: {{{{ {written[n]} }}}}" for n in names) or "{{ input }}"


def _label(name: str) -> str:
    return f"{{{{ {name!r} }}}}" if "{" in name else name


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        try:
            return isfinite(float(value))
        except ValueError:
            return False
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_labels(counts: Counter[str]) -> bool:
    short = all(len(text) <= _LABEL_CHARS and "\n" not in text for text in counts)
    return short and 2 <= len(counts) <= _LABELS and counts.total() >= _WORD * len(counts)


def _of_objects(prompt: str, known: Sequence[Mapping[str, Any]]) -> Draft:
    schema = json_schema(known)
    keys = ", ".join(schema["properties"])
    return Draft(
        prompt,
        {"fields": {}, "json_valid": {}},
        "every expected answer is an object",
        quality="fields",
        output="json",
        system=f"Answer with one JSON object that has these keys: {keys}.",
        json_schema=schema,
        notes=["what each key of json_schema means is not said to the model: say it in `system`"],
    )


def json_schema(values: Sequence[Any]) -> dict[str, Any]:
    """The narrowest plain schema that all `values` are valid under; what recurs is an enum."""
    types = sorted({_type(value) for value in values})
    if "integer" in types and "number" in types:
        types.remove("integer")
    found: dict[str, Any] = {"type": types[0] if len(types) == 1 else types}
    texts = [value for value in values if isinstance(value, str)]
    if types == ["string"] and _are_labels(Counter(texts)):
        found["enum"] = list(dict.fromkeys(texts))
    if items := [item for value in values if isinstance(value, list) for item in value]:
        found["items"] = json_schema(items)
    if objects := [value for value in values if isinstance(value, Mapping)]:
        keys = dict.fromkeys(key for each in objects for key in each)
        found["properties"] = {
            key: json_schema([each[key] for each in objects if key in each]) for key in keys
        }
        found["required"] = [key for key in keys if all(key in each for each in objects)]
        found["additionalProperties"] = False
    return found


def _type(value: Any) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "null" if value is None else "object")
