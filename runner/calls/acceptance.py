"""Whether a model can serve a question, and whether its answer is one that can be used."""

from collections.abc import Collection

from runner.calls.route import questions
from runner.cases import reading
from runner.cases.query import Query, parameters
from runner.config import json_schema
from runner.config.schema import Model
from runner.errors import ErrorKind
from runner.record.outcomes import Reply


def unfit(model: Model, query: Query) -> tuple[ErrorKind, str] | None:
    """Why a model, or any that it may turn to, can't be asked this."""
    for single, asked in questions(model, query):
        if asked.role == "answer" and query.case.images and not single.vision:
            return "bad_request", f"{single.name} takes no images (its file has no vision: true)"
        if asked.role == "answer" and query.output not in single.outputs:
            return "bad_request", f"{single.name} is not for {query.output} output"
        tokens = about_tokens(asked)
        answer = parameters(single, asked).get("max_tokens", 0)
        if tokens + answer > single.context_tokens:
            return "context_window", (
                f"about {tokens} tokens and {answer} for the answer do not fit "
                f"the {single.context_tokens} of {single.name}"
            )
    return None


def about_tokens(query: Query) -> int:
    """Of the prompt's text: four bytes a token, as English has it."""
    return sum(len(text.encode()) for text in texts(query)) // 4


def texts(query: Query) -> list[str]:
    found: list[str] = []
    for message in query.messages:
        content = message["content"]
        parts = [content] if isinstance(content, str) else [p.get("text", "") for p in content]
        found += parts
    return found


def flaw(reply: Reply | None, query: Query, counts: Collection[ErrorKind]) -> ErrorKind | None:
    """What is wrong with an answer, among what `counts` as a failure."""
    if reply is None:
        return None
    if "truncated" in counts and reply.finish_reason == "length":
        return "truncated"
    if "invalid_output" in counts and not _in_format(reply, query):
        return "invalid_output"
    return None


def _in_format(reply: Reply, query: Query) -> bool:
    if query.output != "json" and query.json_schema is None:
        return bool(reply.text.strip())
    try:
        value, _ = reading.as_json(reply.text, fenced=query.fenced)
    except ValueError:
        return False
    return query.json_schema is None or json_schema.misfit(query.json_schema, value) is None
