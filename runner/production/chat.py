"""What a client of the server asks, as the question that `run` would make of it.

As it was measured: the text of the client's message is the `input` of the task, or a JSON object of
the variables where its prompt can't be made of a text. Several messages are the `messages` of a
case, for a task whose prompt leaves room for them. With `pass_through` the messages, the schema
and the sampling are the client's. What could not be held to is refused.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from runner.cases import strict_json
from runner.cases.cases import Case
from runner.cases.messages import checked
from runner.cases.query import Query, Question
from runner.config import json_schema
from runner.config.schema import TOOL_CHOICES, Sampling, Tool
from runner.production import inputs
from runner.production.inputs import InvalidInput
from runner.production.job import Production, request_key
from runner.production.openai_api import ChatRequest, Json, refused
from runner.record.outcomes import Message

_SHAPING = (  # what the task says itself
    "temperature",
    "top_p",
    "stop",
    "seed",
    "reasoning_effort",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "frequency_penalty",
    "presence_penalty",
)
_NOWHERE = Path("/nonexistent")  # no file is meant by a request


def question(
    job: Production,
    fingerprint: str,
    asked: ChatRequest,
    id: str,
    *,
    pass_through: bool,
    most_tokens: int | None,
) -> Question:
    """`most_tokens` is what a request may ask for; None: what the task does. Raises ApiError."""
    limit = most_tokens or job.task.sampling.max_tokens
    if (asked.most_tokens or 0) > limit:
        raise refused(f"max_tokens: {limit} is the most that may be asked for", "max_tokens")
    if pass_through:
        return _passed(job, fingerprint, asked, id)
    return _measured(job, fingerprint, asked, id)


def _measured(job: Production, fingerprint: str, asked: ChatRequest, id: str) -> Question:
    own = "is the task's own, as it was measured; leave it out, or serve with pass_through=true"
    for name in _SHAPING:
        if name in asked.given and getattr(asked, name) != _own(job, name):
            raise refused(f"{name}: {own}", name, "unsupported_parameter")
    if not _same_format(job, asked.response_format or {}):
        raise refused(f"response_format: {own}", "response_format", "unsupported_parameter")
    said = _checked(asked.messages)
    if any(message["role"] == "system" for message in said):
        why = "the task has a system of its own: leave it out, or serve with pass_through=true"
        raise refused(f"messages: {why}", "messages")
    extra = {"user": asked.user, "max_tokens": asked.most_tokens}
    more = {name: value for name, value in extra.items() if value is not None}
    try:
        if len(said) > 1:
            case = inputs.request({"messages": said, **more}, id, _NOWHERE)
            messages = inputs.render(job.task, case)
        else:
            case, messages = _fitting(job, said[0]["content"], id, more)
    except InvalidInput as problem:
        raise refused(f"messages: {problem}", "messages", "invalid_input") from None
    key = request_key(fingerprint, case.model_dump_json(exclude={"id"}).encode())
    return job.question(case, messages, key)


def _own(job: Production, name: str) -> Any:
    """What the task says; a client may say the same."""
    if name == "seed":
        return job.seed
    if name.endswith("_penalty"):
        return 0.0
    return getattr(job.task.sampling, name, None)


def _same_format(job: Production, wanted: Json) -> bool:
    match wanted.get("type"):
        case None:
            return not wanted
        case "text":
            return not job.wants_json
        case "json_object":
            return job.wants_json
        case "json_schema":
            return bool(job.task.json_schema) and _schema(wanted)["schema"] == job.task.json_schema
    return False


def _fitting(
    job: Production, text: str, id: str, said: Mapping[str, Any]
) -> tuple[Case, list[Message]]:
    """The case that a text makes, with its messages. Raises InvalidInput."""
    plain = inputs.request({"input": text, **said}, id, _NOWHERE)
    try:
        return plain, inputs.render(job.task, plain)
    except InvalidInput as problem:
        try:
            variables = strict_json.loads(text)
        except ValueError:
            variables = None
        if not isinstance(variables, dict):
            more = "send a JSON object of the prompt's variables as the text"
            raise InvalidInput(f"{problem}; {more}", id) from None
    case = inputs.request({"input": variables, **said}, id, _NOWHERE)
    inputs.check(job.task, case)
    return case, inputs.render(job.task, case)


def _passed(job: Production, fingerprint: str, asked: ChatRequest, id: str) -> Question:
    messages = _checked(asked.messages)
    case = Case(id=id, messages=tuple(messages), user=asked.user)
    wanted = asked.response_format or {"type": "text"}
    format = _schema(wanted) if wanted.get("type") != "text" else None
    own = job.task.sampling
    stop = [asked.stop] if isinstance(asked.stop, str) else asked.stop
    try:
        sampling = Sampling(
            temperature=asked.temperature,
            max_tokens=asked.most_tokens or own.max_tokens,
            top_p=asked.top_p,
            stop=tuple(stop) if stop else None,
            reasoning_effort=asked.reasoning_effort,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise refused(f"{first['loc'][0]}: {first['msg']}", str(first["loc"][0])) from None
    tools = _tools(asked.tools or [])
    query = Query(
        case=case,
        messages=messages,
        sampling=sampling,
        output="json" if format else "text",
        json_schema=format and format["schema"],
        schema_name=format["name"] if format else "answer",
        fenced=job.task.fenced,
        seed=job.seed if asked.seed is None else asked.seed,
        tools=tools,
        tool_choice=_choice(asked.tool_choice, tools),
        parallel_tool_calls=asked.parallel_tool_calls if tools else None,
        task=job.task.model_copy(update={"steps": 1}),  # its own tools are not the client's
    )
    called = [[tool.model_dump() for tool in tools], query.tool_choice, query.parallel_tool_calls]
    shape = [messages, sampling.model_dump(), format, query.seed, asked.user, *called]
    return Question(query, request_key(fingerprint, json.dumps(shape).encode()))


def _checked(given: list[Json]) -> list[Message]:
    """As our records have them. Raises ApiError.

    Parts are texts alone: a path that a client names would be a file of the server's.
    """
    cleaned = []
    for at, message in enumerate(given):
        role = str(message.get("role"))
        said = {key: value for key, value in message.items() if value not in (None, [], "")}
        called = role == "assistant" and "tool_calls" in said
        if not (called and "content" not in said):
            said["content"] = _content(message, f"messages.{at}")
        cleaned.append(said | {"role": "system" if role == "developer" else role})
    found, problems = checked(cleaned, _NOWHERE)
    if problems:
        where = problems[0].partition(":")[0]
        raise refused(problems[0], where, "invalid_input")
    return found


def _content(message: Json, where: str) -> str:
    """Its text, of its parts if it has some. Raises ApiError."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        raise refused(f"{where}.content: is a text, or a list of parts", f"{where}.content")
    found = []
    for part in content:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if not isinstance(text, str):
            raise refused(f"{where}.content: takes parts of text alone", f"{where}.content")
        found.append(text)
    return "".join(found)


def _tools(given: list[Json]) -> tuple[Tool, ...]:
    """Raises ApiError."""
    found = []
    for at, each in enumerate(given):
        function = each.get("function")
        where = f"tools.{at}"
        if each.get("type") != "function" or not isinstance(function, dict):
            raise refused(f"{where}: only functions can be called", where)
        said = {key: value for key, value in function.items() if value not in (None, False)}
        try:
            found.append(Tool.model_validate({"description": function.get("name"), **said}))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join([where, "function", *map(str, first["loc"])])
            raise refused(f"{where}: {first['msg']}", where) from None
    return tuple(found)


def _choice(given: str | Json | None, tools: tuple[Tool, ...]) -> str | None:
    """Raises ApiError."""
    name = given
    if isinstance(given, dict):
        function = given.get("function")
        name = function.get("name") if isinstance(function, dict) else ""
    known = [*TOOL_CHOICES, *(tool.name for tool in tools)]
    if name is not None and not (tools and name in known):
        raise refused(f"tool_choice: is one of {', '.join(known)}, with tools", "tool_choice")
    return name


def _schema(wanted: Json) -> Json:
    """Name and schema of a response_format. Raises ApiError."""
    given = wanted.get("json_schema")
    schema = given.get("schema") if isinstance(given, dict) else None
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        why = "is text, or a json_schema with a name and a schema"
        raise refused(f"response_format: {why}", "response_format")
    if problem := json_schema.problem(schema):
        raise refused(f"response_format: is no JSON schema: {problem}", "response_format")
    assert isinstance(given, dict)
    return {"name": str(given.get("name") or "answer"), "schema": schema}
