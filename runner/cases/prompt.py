"""The task's prompt and a case become the messages of a request."""

import re
from collections.abc import Iterator, Sized
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta
from jinja2.sandbox import SandboxedEnvironment

from runner.cases import attachments
from runner.cases.cases import Case
from runner.cases.messages import LONGEST, attached
from runner.config.schema import Task
from runner.errors import ConfigError
from runner.record.outcomes import Message


class PromptFailed(ConfigError):
    """The case has all that the prompt names, and the prompt can't do with it what it says."""


class Bounded(SandboxedEnvironment):
    """A product within a prompt is no longer than a message may be: memory is finite."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            sizes = [len(each) if isinstance(each, Sized) else each for each in (left, right)]
            numbers = all(isinstance(each, int | float) for each in sizes)
            if sizes != [left, right] and numbers and sizes[0] * sizes[1] > LONGEST:
                raise ValueError(f"a product of over {LONGEST:,} characters")
        elif isinstance(right, int) and right > 1000:
            raise ValueError(f"a power of {right}")
        return super().call_binop(context, operator, left, right)


_AS_IT_IS = re.compile(r"\s*\{\{\s*input\s*\}\}\s*")
_jinja = Bounded(undefined=StrictUndefined, autoescape=False)


@cache  # compiling costs sixty times as much as rendering
def _template(prompt: str) -> Template:
    return _jinja.from_string(prompt)


def render(task: Task, case: Case) -> list[Message]:
    """The messages of one request; of a case with turns, what the user says in all of them.

    The prompt is a Jinja template, or messages that are: they see `input`, and the keys of an
    `input` that is a mapping. A case's messages, or turns, stand in place of a last message that is
    `{{ input }}` and nothing else, and after those that name no variable.
    With images or files the user's message has parts: the text, then each path and hash.
    Raises ConfigError naming the case, where it does not have a variable of the prompt, and
    PromptFailed for whatever else the prompt can't do with its values.
    """
    system = case.system if case.system is not None else task.system
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    try:
        if case.messages or case.turns:
            return [*messages, *_examples(task, case), *_conversation(case)]
        variables = {"input": case.input} | (case.input if isinstance(case.input, dict) else {})
        *before, last = _prompt(task, case)
        for role, content in before:
            if role != "system" or case.system is None:
                messages.append({"role": role, "content": _rendered(content, variables, case)})
        content = _rendered(last[1], variables, case)
        asked: Message = {"role": "user", "content": content}
        if case.images or case.files:
            asked = _hashed(asked | {"content": attached(content, case.images, case.files)})
    except attachments.Unusable as problem:
        raise ConfigError(f"case '{case.id}': {problem}") from None
    return [*messages, asked]


def _prompt(task: Task, case: Case) -> list[tuple[str, str]]:
    """Role and template of each message, for a case with an input."""
    if isinstance(task.prompt, str):
        return [("user", task.prompt)]
    if task.prompt is None:
        raise ConfigError(f"task.prompt is null, so that case '{case.id}' needs messages or turns")
    if task.prompt[-1].role != "user":
        raise ConfigError(f"task.prompt, case '{case.id}': its last message is not the user's")
    return [(message.role, message.content) for message in task.prompt]


def _examples(task: Task, case: Case) -> Iterator[Message]:
    """What of the prompt stands before a conversation."""
    if task.prompt is None:
        return
    given = task.prompt
    prompt = [("user", given)] if isinstance(given, str) else [(m.role, m.content) for m in given]
    if prompt[-1][0] == "user" and _AS_IT_IS.fullmatch(prompt[-1][1]):
        prompt.pop()
    for role, content in prompt:
        if used := _variables(content):
            raise ConfigError(
                f"task.prompt, case '{case.id}': it has no input to put where the prompt says "
                f'{{{{ {min(used)} }}}}; say prompt: null, or "{{{{ input }}}}" alone'
            )
        if role != "system" or case.system is None:
            yield {"role": role, "content": _rendered(content, {}, case)}


def _conversation(case: Case) -> list[Message]:
    """Raises Unusable."""
    turns = [
        {"role": "user", "content": attached(turn.input, turn.images, turn.files)}
        for turn in case.turns
    ]
    return [_hashed(message) for message in (*case.messages, *turns)]


def _hashed(message: Message) -> Message:
    if isinstance(message["content"], str):
        return message
    parts = (
        part if part["type"] == "text" else attachments.part(part["path"], part["type"])
        for part in message["content"]
    )
    return message | {"content": list(parts)}


def _rendered(prompt: str, variables: dict[str, Any], case: Case) -> str:
    try:
        return _written(_template(prompt), variables)
    except UndefinedError as error:
        raise ConfigError(f"task.prompt, case '{case.id}': {error.message}") from None
    except Exception as error:  # a template may do anything with the values of a case
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise PromptFailed(f"task.prompt, case '{case.id}': {what[:300]}") from None


def _written(template: Template, variables: dict[str, Any]) -> str:
    """Raises ValueError once it is too long for any model."""
    pieces: list[str] = []
    length = 0
    for piece in template.generate(variables):
        pieces.append(piece)
        length += len(piece)
        if length > LONGEST:
            raise ValueError(f"it becomes longer than {LONGEST:,} characters")
    return "".join(pieces)


@cache
def _variables(prompt: str) -> frozenset[str]:
    """Raises TemplateError."""
    return frozenset(meta.find_undeclared_variables(_jinja.parse(prompt)))


def variableless(task: Task) -> str | None:
    """What to say of a prompt that asks the same whatever the case is."""
    if task.prompt is None:
        return None
    last = task.prompt if isinstance(task.prompt, str) else task.prompt[-1].content
    examples = isinstance(task.prompt, tuple) and task.prompt[-1].role != "user"
    try:
        if examples or _variables(last):
            return None
    except TemplateError:
        return None  # said with the first case
    return "task.prompt names no variable, such as {{ input }}: every case is asked the same"
