"""Which of some labels an answer gives: for the scorer `label`, and for routers."""

import json
from typing import Any

import regex

from runner.cases import reading
from runner.scorers import _marks, _text
from runner.scorers._marks import FLAGS
from runner.scorers._mentions import plain, tidy, whole
from runner.scorers._prose import Prose, Reading

_VALUE_OF = regex.compile(rf"{_marks.KEY}|answer|result|output", FLAGS)


def read(text: str, labels: tuple[str, ...]) -> Reading:
    try:
        value, _ = reading.as_json(text, fenced=True)
    except ValueError:  # most answers are no JSON
        return Prose(text, labels).reading()
    return _of_json(value, labels)


def alone(text: str, label: str) -> str | None:
    """The label where an answer is nothing else; or what it is, in short."""
    try:
        value, _ = reading.as_json(text, fenced=True)
    except ValueError:
        value = text
    if isinstance(value, dict):
        said = _said(value) or list(value.values())
        value = said[0] if len(said) == 1 else text
    answer = value if isinstance(value, str) else text
    return whole(tidy(answer), (label,)) or _text.clip(plain(answer)) or None


def _of_json(value: Any, labels: tuple[str, ...]) -> Reading:
    if isinstance(value, str):
        return Prose(value, labels).reading()
    if isinstance(value, dict) and len(said := _said(value)) == 1:
        return _of_json(said[0], labels)
    if isinstance(value, list) and len(value) == 1:
        return _of_json(value[0], labels)
    values = [value]
    if isinstance(value, dict | list):
        values = list(value.values()) if isinstance(value, dict) else value
    texts = [each if isinstance(each, str) else json.dumps(each) for each in values]
    found = (whole(tidy(each), labels) for each in texts)
    mentioned = tuple(dict.fromkeys(label for label in found if label))
    return Reading(mentioned[0] if len(mentioned) == 1 else None, mentioned)


def _said(value: dict[str, Any]) -> list[Any]:
    """What stands at the keys that are named after an answer: label, final_answer, …"""
    return [v for key, v in value.items() if _VALUE_OF.fullmatch((plain(key).split() or [""])[-1])]
