"""What a request asks for, and how one model is asked for it, in litellm's words."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from runner.cases import attachments
from runner.cases.cases import Case
from runner.config.schema import (
    LOWEST,
    TOKENS_PER_BYTE,
    TOOL_CHOICES,
    Output,
    Sampling,
    Single,
    Task,
    Tool,
)
from runner.record.outcomes import Message, Role, Schema


@dataclass(frozen=True)
class Query:
    """What is asked, whichever model answers it."""

    case: Case
    messages: list[Message]
    sampling: Sampling
    output: Output = "text"
    json_schema: dict[str, Any] | None = None
    schema_name: str = "answer"
    fenced: bool = True  # the JSON may stand in a code block
    seed: int | None = None
    tools: tuple[Tool, ...] = ()  # that may be called
    tool_choice: str | None = None  # auto, required, none or the name of one; None: not sent
    parallel_tool_calls: bool | None = None  # several in one answer; None: not sent
    repeat: int = 0
    stream: bool = False  # the reply comes in pieces, so that its first token can be timed
    role: Role = "answer"
    task: Task | None = None  # None: a question of ours on the way to an answer

    def sampled(self, number: int, temperature: float) -> "Query":
        """The same, as one of several samples that are to differ."""
        sampling = self.sampling.model_copy(update={"temperature": temperature})
        seed = None if self.seed is None else self.seed + 1000 * number
        return replace(self, sampling=sampling, seed=seed)


@dataclass(frozen=True)
class Question:
    """One case, once: what is asked of the model and the hash of all that shapes the answer."""

    query: Query
    key: str
    repeat: int = 0
    line: int | None = None  # of the input of a production run, from 1

    @property
    def case(self) -> Case:
        return self.query.case


def query(
    task: Task,
    case: Case,
    messages: list[Message],
    seed: int | None,
    *,
    repeat: int = 0,
    stream: bool = False,
) -> Query:
    """What a task asks of a model for one case."""
    sampling = task.sampling
    if case.max_tokens not in (None, sampling.max_tokens):
        sampling = sampling.model_copy(update={"max_tokens": case.max_tokens})
    return Query(
        case=case,
        messages=messages,
        sampling=sampling,
        output=task.output,
        json_schema=task.json_schema,
        schema_name=task.name,
        fenced=task.fenced,
        tools=task.tools,
        tool_choice=task.tool_choice,
        parallel_tool_calls=task.parallel_tool_calls,
        seed=seed,
        repeat=repeat,
        stream=stream,
        task=task,
    )


def parameters(model: Single, query: Query) -> dict[str, Any]:
    """What is sent to `model` besides the messages, less what its `drop_params` name."""
    wanted: dict[str, Any] = query.sampling.model_dump(exclude_none=True)
    wanted["max_tokens"] = answer_tokens_at_most(model, query)
    if query.sampling.stop:
        wanted["stop"] = list(query.sampling.stop)
    if query.seed is not None:
        wanted["seed"] = query.seed
    if query.json_schema is not None:
        schema = {"name": query.schema_name, "schema": query.json_schema, "strict": True}
        wanted["response_format"] = {"type": "json_schema", "json_schema": schema}
    wanted |= _tools(query)
    if wanted.get("reasoning_effort") == LOWEST:
        wanted["reasoning_effort"] = lowest_effort(model)
        if wanted["reasoning_effort"] is None:
            del wanted["reasoning_effort"]
    for name in model.drop_params:
        wanted.pop("response_format" if name == "json_schema" else name, None)
    return wanted


def _calling(task: Task) -> dict[str, Any]:
    """What a task says of tools, short enough for a note."""
    said = {
        "tools": ",".join(tool.name for tool in task.tools) or None,
        "tool_choice": task.tool_choice,
        "parallel_tool_calls": task.parallel_tool_calls,
    }
    return {name: value for name, value in said.items() if value is not None}


def _tools(query: Query) -> dict[str, Any]:
    if not query.tools:
        return {}
    tools = [{"type": "function", "function": tool.model_dump()} for tool in query.tools]
    asked: dict[str, Any] = {"tools": tools}
    if query.tool_choice in TOOL_CHOICES:
        asked["tool_choice"] = query.tool_choice
    elif query.tool_choice:
        asked["tool_choice"] = {"type": "function", "function": {"name": query.tool_choice}}
    if query.parallel_tool_calls is not None:
        asked["parallel_tool_calls"] = query.parallel_tool_calls
    return asked


def lowest_effort(model: Single) -> str | None:
    """What `lowest` means to a model; None: nothing is sent, it thinks no more, or nobody knows."""
    thinks = model.reasoning
    return thinks.lowest if thinks and thinks.lowest != thinks.default else None


def messages(model: Single, query: Query) -> list[Message]:
    """The messages as `model` gets them: with the schema in words where it can't be enforced."""
    if schema_of(model, query) != "prompted":
        return query.messages
    words = (
        "Answer with JSON alone, without a code fence, that is valid under this JSON schema:\n"
        + json.dumps(query.json_schema, ensure_ascii=False)
    )
    first, *rest = query.messages
    # It joins the task's own words: some providers take one system message only.
    if first["role"] == "system":
        return [{**first, "content": f"{first['content']}\n\n{words}"}, *rest]
    return [{"role": "system", "content": words}, *query.messages]


def schema_of(model: Single, query: Query) -> Schema | None:
    if query.json_schema is None:
        return None
    return "enforced" if model.enforces_schema else "prompted"


def misfit(model: Single, files: Iterable[Mapping[str, str]]) -> str | None:
    """Why a model can't be sent these parts of messages."""
    for file in files:
        if not model.vision:
            return f"{model.name} takes no images (its file has no vision: true)"
        if file["type"] == "file" and not model.provider.documents:
            provider = model.provider.name
            return f"{model.name}: {provider} takes no PDF files (its file has no documents: true)"
    return None


def input_tokens_at_most(model: Single, query: Query) -> int:
    """More than the prompt can have: a token stands for a byte at least, a file for no bound."""
    if any(not isinstance(m["content"], str) for m in query.messages):
        return model.context_tokens
    frame = 16  # a message's role and marks
    sent = sum(len(m["content"].encode()) + frame for m in messages(model, query))
    sent += sum(
        len(json.dumps(m["tool_calls"])) + frame for m in query.messages if "tool_calls" in m
    )
    given = [query.json_schema] if query.json_schema else []
    given += [tool.model_dump() for tool in query.tools]
    # A provider puts words of its own around a schema, and around tools as a whole and each.
    beside = sum(len(json.dumps(each)) + 512 for each in given) + 512 * bool(query.tools)
    return min(sent + (beside or 64), model.context_tokens)


def answer_tokens_at_most(model: Single, query: Query) -> int:
    """The `max_tokens` of its `parameters`."""
    limit = query.sampling.max_tokens
    return min(limit, model.max_output_tokens or limit)


def about_tokens(query: Query, tokens_per_byte: float = TOKENS_PER_BYTE) -> int:
    """Of the prompt: four bytes a token, as English has it, unless a family counts more; and what
    its images and files take.
    """
    given = [json.dumps(tool.model_dump()) for tool in query.tools]
    size = sum(len(text.encode()) for text in (*texts(query), *given))
    return int(size * tokens_per_byte) + attachments.tokens(query.messages)


# Tokens that thinking takes at the least, about; more of it takes more: some advise 25,000.
_THINKING = {"none": 0, "minimal": 128, "low": 512}
_THINKING_MORE = 1024


def cramped(model: Single, query: Query) -> str | None:
    """Where an answer's max_tokens can't hold what the model thinks first: it counts as output."""
    if model.reasoning is None:
        return None
    asked = parameters(model, query)
    effort = asked.get("reasoning_effort", model.reasoning.default)
    if asked["max_tokens"] >= _THINKING.get(str(effort), _THINKING_MORE):
        return None
    lowest = model.reasoning.lowest
    lower = f", or reasoning_effort={lowest}" if lowest not in (None, effort) else ""
    return (
        f"{model.name} thinks first ({effort or 'nobody says how much'}): the {query.role}'s "
        f"max_tokens of {asked['max_tokens']} may end before it answers; give it more{lower}"
    )


def effort(model: Single, sampling: Sampling) -> str | None:
    """What the lowest effort has come to for a model; None: its default is as it was."""
    if sampling.reasoning_effort != LOWEST or "reasoning_effort" in model.drop_params:
        return None
    if sent := lowest_effort(model):
        return f"{model.name} is asked to think as little as it can: reasoning_effort={sent}"
    thinks = model.reasoning
    if thinks and thinks.lowest is None:
        default = thinks.default or "how much is unknown"
        return f"{model.name} thinks as it does by default ({default}): its lowest is unknown"
    return None


def texts(query: Query) -> list[str]:
    found: list[str] = []
    for message in query.messages:
        content = message["content"]
        parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
        found += parts
    return found


def differences(model: Single, task: Task) -> list[str]:
    """Where a model is not asked as the task says: its numbers are not quite like for like."""
    asked = task.sampling.model_dump(exclude_none=True) | _calling(task)
    found = [
        f"{model.name} is not sent {name}={asked[name]}"
        for name in model.drop_params
        if name in asked
    ]
    if task.json_schema is not None and not model.enforces_schema:
        found.append(f"{model.name} has the JSON schema in its prompt, nothing enforces it")
    if model.max_output_tokens and model.max_output_tokens < task.sampling.max_tokens:
        limit = f"{model.max_output_tokens} of the {task.sampling.max_tokens}"
        found.append(f"{model.name} may write {limit} tokens that the task allows")
    if named := effort(model, task.sampling):
        found.append(named)
    found += [f"{model.name} is sent {key}={value} too" for key, value in model.extra_body.items()]
    return found
