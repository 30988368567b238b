"""Requests that tools have on record: OpenTelemetry, Langfuse, litellm's proxy, runs of our own."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from runner.decide.bring.records import Fields, Record

Row = tuple[int, Any]
Reader = Callable[[list[Row], Fields], Iterator[Record]]
_NO_REQUEST = "is no request for a text"
_NOT_THE_FORM = "does not have the form that its tool gives it"
_MALFORMED = (AttributeError, KeyError, TypeError, ValueError, IndexError)
_NOT_CARRIED = "is not part of a case"


def _texts(value: Any) -> Any:
    """JSON that stands in a text, as it is meant."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _messages(value: Any) -> list[Any]:
    """What was asked, as messages: a list of them, an object that has one, or a text."""
    value = _texts(value)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        return list(value["messages"])
    if isinstance(value, list) and all(isinstance(m, dict) and "role" in m for m in value):
        return value
    if isinstance(value, dict) and "role" in value:
        return [value]
    if value in (None, "", [], {}):
        return []
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [{"role": "user", "content": text}]


def _answer(value: Any) -> str | None:
    """The text of what came back, in any of the forms that it has on record."""
    value = _texts(value)
    if isinstance(value, dict) and isinstance(value.get("choices"), list):
        value = (value["choices"] or [{}])[0]
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict) and isinstance(inner := _texts(value.get("message")), dict):
        value = inner
    if isinstance(value, dict):
        parts = value.get("content", value.get("parts", value.get("text")))
        if isinstance(parts, list):
            texts = [p.get("text", p.get("content")) for p in parts if isinstance(p, dict)]
            return "\n".join(t for t in texts if isinstance(t, str)) or None
        if isinstance(parts, str):
            return parts
    if isinstance(value, str):
        return value or None
    return None if value in (None, [], {}) else json.dumps(value, ensure_ascii=False)


def _about(row: dict[str, Any], *keys: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key in keys:
        value = row.get(key)
        if isinstance(value, dict):
            found |= {
                f"{key}.{k}": str(v) for k, v in value.items() if isinstance(v, str | int | float)
            }
        elif isinstance(value, list):
            found |= {key: ",".join(map(str, value))} if value else {}
        elif isinstance(value, str | int | float):
            found[key] = str(value)
    return found


def langfuse(rows: list[Row], fields: Fields) -> Iterator[Record]:
    """Observations, traces with theirs, or items of a dataset."""
    for line, row in rows:
        if not isinstance(row, dict):
            fields.leave(line, "a row", "is no object")
            continue
        observations = row.get("observations")
        inner = [o for o in observations or () if isinstance(o, dict)]
        if any(o.get("type") == "GENERATION" for o in inner):
            fields.rest(line, row, {"observations", "tags"}, "of a trace: its requests are cases")
            for each in inner:
                yield from _observation(line, each, fields, row.get("tags") or [])
        else:
            yield from _observation(line, row, fields, row.get("tags") or [])


def _observation(line: int, row: dict[str, Any], fields: Fields, tags: Any) -> Iterator[Record]:
    kind = row.get("type")
    if kind is not None and kind != "GENERATION":
        fields.leave(line, f"an observation of type {kind}", _NO_REQUEST)
        return
    carried = {"type", "input", "output", "expectedOutput", "tags"}
    about = ("name", "model", "version", "environment", "level", "release", "metadata", "tags")
    variables = _texts(row.get("input"))
    plain = isinstance(variables, dict) and not {"messages", "role"} & variables.keys()
    fields.rest(line, row, carried, _NOT_CARRIED)
    if isinstance(variables, dict) and "messages" in variables:
        fields.rest(line, {"input": variables}, {"input.messages"}, _NOT_CARRIED)
    yield Record(
        line,
        [] if plain else _messages(row.get("input")),
        variables if plain else None,
        answer=_answer(row.get("output")),
        expected=_texts(row.get("expectedOutput")),
        about=_about(row, *about),
        tags=[str(tag) for tag in _texts(tags) or []] if not isinstance(tags, str) else [tags],
    )


def litellm(rows: list[Row], fields: Fields) -> Iterator[Record]:
    """Lines of litellm's StandardLoggingPayload, as its proxy logs them."""
    for line, row in rows:
        inner = row.get("standard_logging_object", row) if isinstance(row, dict) else {}
        kind = str(inner.get("call_type"))
        if "completion" not in kind and "responses" not in kind:
            fields.leave(line, f"a call of type {kind}", _NO_REQUEST)
            continue
        carried = {"call_type", "messages", "response", "request_tags"}
        fields.rest(line, inner, carried, _NOT_CARRIED)
        about = (
            "model",
            "model_group",
            "status",
            "call_type",
            "custom_llm_provider",
            "metadata",
            "request_tags",
        )
        yield Record(
            line,
            _messages(inner.get("messages")),
            answer=_answer(inner.get("response")),
            about=_about(inner, *about),
            tags=[str(tag) for tag in inner.get("request_tags") or []],
        )


def journal(rows: list[Row], fields: Fields) -> Iterator[Record]:
    """A journal of ours: cases.jsonl of a run, most often one in production."""
    for line, row in rows:
        if not isinstance(row, dict) or "messages" not in row:
            fields.leave(line, "a line", "is no outcome")
            continue
        if row.get("repeat"):
            fields.leave(line, "a line", "asks a case once more")
            continue
        carried = {"case", "repeat", "messages", "reply", "tags", "expected", "status"}
        fields.rest(line, row, carried, _NOT_CARRIED)
        yield Record(
            line,
            row["messages"],
            answer=row.get("reply") or None,
            expected=row.get("expected"),
            about=_about(row, "model", "served_by", "status", "arm", "finish_reason", "tags"),
            tags=[str(tag) for tag in row.get("tags") or []],
            id=str(row.get("case") or ""),
        )


def otel(rows: list[Row], fields: Fields) -> Iterator[Record]:
    """Spans of GenAI in OTLP's JSON, or one a line as SDKs print them; log records join them."""
    spans: dict[Any, dict[str, Any]] = {}
    for line, row in rows:
        try:
            found = list(_spans(row))
        except _MALFORMED:
            fields.leave(line, "a row", _NOT_THE_FORM)
            continue
        for number, (key, attributes, events, name) in enumerate(found):
            span = spans.setdefault(
                key or (line, number), {"line": line, "attributes": {}, "events": [], "name": ""}
            )
            span["attributes"] |= attributes
            span["events"] += events
            span["name"] = span["name"] or name
    for span in spans.values():
        try:
            yield from list(_span(span, fields))
        except _MALFORMED:
            fields.leave(span["line"], "a span", _NOT_THE_FORM)


def _spans(row: Any) -> Iterator[tuple[Any, dict[str, Any], list[Any], str]]:
    """Identity, attributes, events as (name, body), and the name of each span of a line."""
    if not isinstance(row, dict):
        return
    for resource in row.get("resourceSpans") or row.get("resourceLogs") or ():
        about = _attributes((resource.get("resource") or {}).get("attributes"))
        shared = {f"resource.{key}": value for key, value in about.items()}
        for scope in resource.get("scopeSpans") or resource.get("scopeLogs") or ():
            for each in scope.get("spans") or scope.get("logRecords") or ():
                for key, attributes, events, name in _one(each):
                    yield key, shared | attributes, events, name
    if not ("resourceSpans" in row or "resourceLogs" in row):
        yield from _one(row)


def _one(each: dict[str, Any]) -> Iterator[tuple[Any, dict[str, Any], list[Any], str]]:
    context = each.get("context") or {}
    trace = each.get("traceId") or context.get("trace_id")
    span = each.get("spanId") or context.get("span_id")
    key = (str(trace), str(span)) if span else None
    attributes = _attributes(each.get("attributes"))
    events = [(e.get("name"), _attributes(e.get("attributes"))) for e in each.get("events") or ()]
    name = str(each.get("name") or "")
    event = each.get("eventName") or attributes.get("event.name")
    if event or "body" in each:  # a log record
        body = _value(each.get("body")) if isinstance(each.get("body"), dict) else {}
        events.append((event, attributes | (body if isinstance(body, dict) else {})))
        attributes = {}
    yield key, attributes, events, name


def _attributes(given: Any) -> dict[str, Any]:
    if isinstance(given, dict):
        return given
    return {str(e.get("key")): _value(e.get("value")) for e in given or () if isinstance(e, dict)}


def _value(given: Any) -> Any:
    """OTLP's AnyValue."""
    if not isinstance(given, dict):
        return given
    for key, value in given.items():
        if key == "arrayValue":
            return [_value(each) for each in (value or {}).get("values") or ()]
        if key == "kvlistValue":
            return _attributes((value or {}).get("values"))
        if key == "intValue":
            return int(value)
        if key.endswith("Value"):
            return value
    return given


_PART = re.compile(r"(?:gen_ai|llm)\.(prompts?|completions?)\.(\d+)\.(role|content)$")
_OF_MESSAGES = {"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"}
_CHAT = ("chat", "text_completion", "completion", "generate_content", "None")


def _span(span: dict[str, Any], fields: Fields) -> Iterator[Record]:
    line, attributes = span["line"], span["attributes"]
    known = dict(attributes)
    for name, body in span["events"]:
        if name == "gen_ai.client.inference.operation.details":
            known |= body
    kind = str(known.get("gen_ai.operation.name") or known.get("llm.request.type"))
    asked, answer = _of_attributes(known)
    more, said = _of_events(span["events"])
    asked, answer = asked or more, answer if answer is not None else said
    is_genai = any(str(key).startswith(("gen_ai.", "llm.")) for key in known)
    if kind not in _CHAT or not (is_genai or asked):
        what = f"a span of {kind}" if is_genai else f"a span {span['name']}"
        fields.leave(line, what, _NO_REQUEST)
        return
    if not asked:
        fields.leave(
            line, f"a span {span['name']}", "has no messages: its content was not captured"
        )
        return
    for key in known:
        if (
            key not in _OF_MESSAGES
            and not _PART.match(key)
            and key not in ("gen_ai.operation.name", "gen_ai.prompt", "gen_ai.completion")
        ):
            fields.leave(line, re.sub(r"\.\d+\b", "", str(key)), _NOT_CARRIED)
    about = {
        key: str(value)
        for key, value in known.items()
        if isinstance(value, str | int) and key not in _OF_MESSAGES and not _PART.match(key)
    }
    about |= {"name": span["name"]} if span["name"] else {}
    yield Record(line, asked, answer=answer, about=about)


def _of_attributes(known: dict[str, Any]) -> tuple[list[Any], str | None]:
    """The current form, that of the first conventions, and that of OpenLLMetry."""
    asked: list[Any] = []
    if "gen_ai.input.messages" in known:
        system = _texts(known.get("gen_ai.system_instructions"))
        if system:
            parts = system if isinstance(system, list) else [system]
            asked.append({"role": "system", "parts": parts})
        asked += _messages(known["gen_ai.input.messages"])
        return asked, _answer(known.get("gen_ai.output.messages"))
    if "gen_ai.prompt" in known:
        return _messages(known["gen_ai.prompt"]), _answer(known.get("gen_ai.completion"))
    found: dict[str, dict[int, dict[str, Any]]] = {"prompt": {}, "completion": {}}
    for key, value in known.items():
        if match := _PART.match(str(key)):
            of = found[match[1].removesuffix("s")].setdefault(int(match[2]), {})
            of[match[3]] = _texts(value) if match[3] == "content" and "[{" in str(value) else value
    asked = [{"role": "user"} | found["prompt"][n] for n in sorted(found["prompt"])]
    answers = [found["completion"][n] for n in sorted(found["completion"])]
    return asked, _answer(answers[0]) if answers else None


def _of_events(events: list[Any]) -> tuple[list[Any], str | None]:
    """The older forms: an event a message, or one with the whole prompt."""
    asked, answer = [], None
    for name, body in events:
        match = re.fullmatch(r"gen_ai\.(system|user|assistant|tool)\.message", str(name))
        if match:
            content = _texts(body.get("content", body.get("gen_ai.event.content")))
            if isinstance(content, dict) and "content" in content:
                content = content["content"]
            asked.append(
                {
                    "role": str(body.get("role") or match[1]),
                    "content": content,
                    "tool_calls": _texts(body.get("tool_calls")),
                }
            )
        elif name == "gen_ai.choice":
            answer = _answer(_texts(body.get("gen_ai.event.content")) or body)
        elif name == "gen_ai.content.prompt":
            asked += _messages(body.get("gen_ai.prompt"))
        elif name == "gen_ai.content.completion":
            answer = _answer(body.get("gen_ai.completion"))
    return asked, answer


READERS: dict[str, Reader] = {
    "langfuse": langfuse,
    "litellm": litellm,
    "journal": journal,
    "otel": otel,
}


def read(kind: str, rows: list[Row], fields: Fields) -> Iterator[Record]:
    """The requests of a file; a row that is not what its tool writes is listed."""
    if kind == "otel":  # a span may have its events in other rows
        yield from otel(rows, fields)
        return
    for row in rows:
        try:
            yield from list(READERS[kind]([row], fields))
        except _MALFORMED:
            fields.leave(row[0], "a row", _NOT_THE_FORM)
