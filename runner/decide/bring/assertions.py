"""What promptfoo asserts of an answer, as what our scorers ask.

https://www.promptfoo.dev/docs/configuration/expected-outputs/ says what each type means there.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from runner.config import json_schema, patterns
from runner.decide.bring.brought import Brought
from runner.decide.bring.sources import UNKNOWN, Part
from runner.decide.bring.wanted import Wanted, filled

_LISTS = {"contains-any", "contains-all", "icontains-any", "icontains-all"}
_TEXTS = {"contains", "icontains", "starts-with", "regex"}
_SCHEMAS = {"is-json": "json", "contains-json": "contains_json"}
_CODE = {"javascript": ".js", "python": ".py", "ruby": ".rb", "webhook": ""}
_JUDGED = {
    "llm-rubric": "{}",
    "model-graded-closedqa": "{}",
    "g-eval": "{}",
    "factuality": "It agrees with this, and contradicts nothing of it: {}",
    "model-graded-factuality": "It agrees with this, and contradicts nothing of it: {}",
}
_BOUNDS = {"latency": "max_latency_ms", "cost": "max_cost_per_request"}
KNOWN = {*_LISTS, *_TEXTS, *_SCHEMAS, *_CODE, *_JUDGED, *_BOUNDS, "equals", "rouge-n", "similar"}
KNOWN |= {"levenshtein", "perplexity", "classifier", "answer-relevance", "bleu", "is-refusal"}
_TRANSFORMED = "looks at the answer after a transform, which is code: write a scorer of your own"

Load = Callable[[str, Part], Any]  # what a file:// names


def read(
    part: Part, variables: dict[str, Any], wanted: Wanted, brought: Brought, load: Load
) -> None:
    """Add to `wanted` and `brought` what one assertion asks, or leave it and say why."""
    if isinstance(part.value, str):
        part.leave("is no assertion that is known: an object with a type is")
        return
    kind = part.value.get("type") if isinstance(part.value, dict) else None
    if not isinstance(kind, str):
        part.leave("has no type")
        return
    if kind == "assert-set":
        _set(part, variables, wanted, brought, load)
        return
    denied, plain = kind.startswith("not-"), kind.removeprefix("not-")
    if plain in _CODE:
        part.leave("is code: write it as tasks/<task>/<name>.py (README, a scorer)", "to write")
        return
    if part.get("transform") or part.get("contextTransform"):
        part.leave(_TRANSFORMED, "to write")
        return
    try:
        value = _filled(_value(part, load), variables)
    except ValueError as error:
        part.leave(str(error))
        return
    if plain in _BOUNDS and not denied:
        _bound(part, _BOUNDS[plain], brought)
    elif plain in _JUDGED and not denied:
        _judged(part, plain, value, wanted)
    elif plain == "rouge-n" and not denied:
        _rouge(part, value, wanted)
    else:
        _checked(part, plain, value, wanted, denied=denied)


def _set(part: Part, variables: Any, wanted: Wanted, brought: Brought, load: Load) -> None:
    if threshold := part.get("threshold"):
        threshold.leave("all of the set have to hold here", "changed")
    if weight := part.get("weight"):
        weight.leave("the set is taken apart, its checks count one each", "changed")
    part.text("type")
    _unnamed(part)
    if inner := part.get("assert"):
        for each in inner.listed():
            read(each, variables, wanted, brought, load)


def _value(part: Part, load: Load) -> Any:
    """Raises ValueError saying why not."""
    found = part.get("value")
    if found is None:
        return None
    if isinstance(found.value, str) and found.value.startswith("file://"):
        return load(found.value, found)
    return found.value


def _filled(value: Any, variables: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return filled(value, variables)
    if isinstance(value, list):
        return [_filled(each, variables) for each in value]
    if isinstance(value, dict):
        return {key: _filled(each, variables) for key, each in value.items()}
    return value


def _checked(part: Part, plain: str, value: Any, wanted: Wanted, *, denied: bool) -> None:
    made = _check(plain, value)
    if isinstance(made, str):
        part.leave(made)
        return
    [(kind, what)] = made.items()
    check = {("not_" if denied else "") + kind: what}
    _told(part, "type", "value")
    weight = part.get("weight")
    if weight and isinstance(weight.value, int | float) and weight.take() != 1:
        check["weight"] = weight.value
        if weight.value == 0:
            weight.leave("nothing has to hold that counts nothing: the check is left out")
            return
        weight.leave("all checks have to hold: `all: false` counts by weight", "changed")
    if metric := part.text("metric"):
        check["name"] = metric
    if check not in wanted.checks:
        wanted.checks.append(check)


def _check(plain: str, value: Any) -> dict[str, Any] | str:
    """A check of the scorer `assertions`, or why there is none."""
    key = plain.replace("-", "_")
    if plain == "equals":
        return "equals: has no value" if value is None else {"equals": value}
    if plain in _TEXTS:
        text = value if isinstance(value, str) else None if value is None else json.dumps(value)
        if not text:
            return "has no value"
        if plain == "regex" and (problem := _no_pattern(text)):
            return problem
        return {key: text}
    if plain in _LISTS:
        texts = value.split(",") if isinstance(value, str) else value
        texts = [str(each).strip() if isinstance(value, str) else str(each) for each in texts or []]
        return {key: texts} if texts else "has no value"
    if plain in _SCHEMAS:
        schema = _parsed(value)
        if schema is None:
            return {_SCHEMAS[plain]: True}
        if not isinstance(schema, dict):
            return "names a schema that is none that can be read"
        problem = json_schema.problem(schema)
        return (
            f"has a schema that is none here: {problem}" if problem else {_SCHEMAS[plain]: schema}
        )
    return UNKNOWN


def _no_pattern(text: str) -> str | None:
    try:
        patterns.compiled(text)
    except ValueError as error:
        return f"is no pattern of Python: {error}"
    return None


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _judged(part: Part, plain: str, value: Any, wanted: Wanted) -> None:
    texts = value if isinstance(value, list) else [value]
    rubrics = [json.dumps(t, ensure_ascii=False) if isinstance(t, dict) else t for t in texts]
    rubrics = [text for text in rubrics if isinstance(text, str) and text.strip()]
    if not rubrics:
        part.leave("has no rubric")
        return
    _told(part, "type", "value")
    _unnamed(part)
    if threshold := part.get("threshold"):
        threshold.leave("the judge says yes or no here (scale: 2)", "changed")
    if weight := part.get("weight"):
        weight.leave("the judge is a scorer of its own here", "changed")
    for text in rubrics:
        found = _JUDGED[plain].format(text)
        if found not in wanted.rubrics:
            wanted.rubrics.append(found)


def _rouge(part: Part, value: Any, wanted: Wanted) -> None:
    references = value if isinstance(value, list) else [value]
    texts = [each for each in references if isinstance(each, str) and re.search(r"\w", each)]
    if not texts:
        part.leave("has no reference text")
        return
    _told(part, "type", "value")
    _unnamed(part)
    if threshold := part.get("threshold"):
        threshold.leave(
            "the value counts as it is, not whether it is above: set min_quality_score", "changed"
        )
    if weight := part.get("weight"):
        weight.leave("rouge is a scorer of its own here", "changed")
    wanted.references += [each for each in texts if each not in wanted.references]


def _bound(part: Part, key: str, brought: Brought) -> None:
    """One bound of the task, on all of its cases: the tightest that a test names."""
    threshold = part.get("threshold")
    value = threshold.value if threshold else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        part.leave("has no threshold")
        return
    before = brought.requirements.get(key, value)
    brought.requirements[key] = min(before, value)
    _told(part, "type", "threshold")
    _unnamed(part)
    if before != value:
        part.leave(f"{key} holds for all cases, and is the tightest of what tests say", "changed")
    if weight := part.get("weight"):
        weight.leave("a requirement is met or missed")


def _told(part: Part, *keys: str) -> None:
    for key in keys:
        if found := part.get(key):
            found.take()


def _unnamed(part: Part) -> None:
    if metric := part.get("metric"):
        metric.leave("a scorer has its own name here, a check of `assertions` may have one")
