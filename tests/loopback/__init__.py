"""Providers on the loopback interface: each answer is a plain function of its request.

with Loopback(lambda request: text(request.text.upper())) as server:
    ...  # send to server.base_url
assert server.requests[0].body["temperature"] == 0.0
"""

from runner.drill.loopback.dialect import sse
from runner.drill.loopback.dialects import chunks
from runner.drill.loopback.exchange import AnswerFunction, Piece
from runner.drill.loopback.exchange import HttpAnswer as Answer
from runner.drill.loopback.exchange import HttpRequest as Request
from tests.loopback.answers import (
    USAGE,
    against_policy,
    closed,
    completion,
    cut_off,
    echo,
    error_reply,
    filtered,
    garbage,
    hang,
    json_text,
    no_choices,
    no_model,
    no_quota,
    overloaded,
    rate_limited,
    reset,
    server_error,
    text,
    tokens,
    too_long,
    truncated,
    wrong_key,
    wrong_key_in_full,
)
from tests.loopback.server import Gate, Held, Loopback, hang_after, in_turn

__all__ = [
    "USAGE",
    "Answer",
    "AnswerFunction",
    "Gate",
    "Held",
    "Loopback",
    "Piece",
    "Request",
    "against_policy",
    "chunks",
    "closed",
    "completion",
    "cut_off",
    "echo",
    "error_reply",
    "filtered",
    "garbage",
    "hang",
    "hang_after",
    "in_turn",
    "json_text",
    "no_choices",
    "no_model",
    "no_quota",
    "overloaded",
    "rate_limited",
    "reset",
    "server_error",
    "sse",
    "text",
    "tokens",
    "too_long",
    "truncated",
    "wrong_key",
    "wrong_key_in_full",
]
