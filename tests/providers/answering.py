"""What is answered: text, endings and usage."""

from collections.abc import Callable
from dataclasses import replace

from runner.drill.loopback.dialect import Saying
from runner.errors import CallFailed
from runner.record.outcomes import Reply, Usage
from tests.loopback import Answer, answers
from tests.providers.calls import SAYING, USAGE, Bench, answered, ask, failed
from tests.providers.table import Row


async def text(row: Row, bench: Bench) -> str:
    reply, _ = await answered(row, bench)
    assert (reply.text, reply.finish_reason) == ("one two three", "stop")
    assert reply.model_served == (None if row.facts.model else "served-1")
    assert reply.seconds > 0 and reply.first_token_seconds is None
    return "ok"


async def endings(row: Row, bench: Bench) -> str:
    await each_ending(row, bench, None)
    return " ".join(row.speaks.finish_reasons)


async def each_ending(row: Row, bench: Bench, on_text: Callable[[str], None] | None) -> None:
    for own, ours in row.speaks.finish_reasons.items():
        ended, _ = await ask(row, bench, replace(SAYING, finish_reason=own), on_text=on_text)
        if ours == "content_filter" and isinstance(ended, CallFailed):
            assert ended.kind == "content_policy"  # Google's: litellm gives the text away
        elif ours == "error":
            assert isinstance(ended, CallFailed), own
            assert ended.kind == "invalid_reply" and own in ended.message
        else:
            assert isinstance(ended, Reply), ended
            same = "stop" if ours == "tool_calls" else ours  # no tool was offered
            assert ended.finish_reason == same, own
        if ours == "content_filter":
            empty = Saying(None, own, USAGE)
            error = await failed(row, bench, empty, on_text=on_text)
            assert (error.kind, error.unbilled) == ("content_policy", False), own


async def usage(row: Row, bench: Bench) -> str:
    reply, _ = await answered(row, bench)
    assert reply.usage == counted(row)
    holes = {name: getattr(row.facts, name) for name in ("cached", "written", "reasoning")}
    return " ".join(["in out", *(name for name, hole in holes.items() if hole is None)])


def counted(row: Row) -> Usage:
    facts = row.facts
    return USAGE.model_copy(
        update={
            "cached_input_tokens": 0 if facts.cached else 40,
            "cache_write_tokens": _written(row),
            "reasoning_tokens": 0 if facts.reasoning else 8,
        }
    )


def _written(row: Row) -> int:
    """Those that speak OpenAI's format would be understood if they said it."""
    return 0 if row.name in ("google", "ollama", "vertex") else 10


async def no_usage(row: Row, bench: Bench) -> str:
    """Unknown stays unknown. litellm refuses some replies without it: then the call has failed."""
    ended, _ = await ask(row, bench, replace(SAYING, usage=None))
    if isinstance(ended, Reply):
        assert ended.usage is None
        return "unknown"
    assert (ended.kind, ended.usage) == ("invalid_reply", None)
    return "failure"


async def not_json(row: Row, bench: Bench) -> str:
    error = await failed(row, bench, answers.garbage())
    assert (error.kind, error.status, error.unbilled) == ("invalid_reply", 200, False)
    return "ok"


async def empty(row: Row, bench: Bench) -> str:
    error = await failed(row, bench, Answer(body={}))
    assert (error.kind, error.status, error.unbilled) == ("invalid_reply", 200, False)
    return "ok"
