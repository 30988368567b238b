"""What is rendered from a template is what litellm itself would send, byte for byte."""

from itertools import product
from typing import Any

from runner.calls.clouds import NO_KEY
from runner.calls.compile import Catch, Template, compiled, origin
from runner.calls.translate import caught
from runner.errors import ConfigError
from tests.providers.calls import ENFORCED, Bench, answered
from tests.providers.table import Row
from tests.providers.tooling import OFFERED

CONVERSATION = ("system", "user", "assistant", "user")
TEXTS = [
    'Réponds « oui » ou "non".\r\nRien d\'autre.\t',
    "Naïve? \N{GRINNING FACE}\N{SNOWMAN} {{ 1 }} \\n \\u2028 \u2028 \x85 'x' </s><|im_end|>",
    "a",
    "多言語 नमस्ते שלום\n" * 40 + "1 < 2 & 3 > 2",
]
ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"temperature": 0.0, "stop": ["END"], "seed": 3},
    {"response_format": ENFORCED},
    {"reasoning_effort": "low"},
    OFFERED,
    OFFERED | {"tool_choice": "required"},
)


async def rendered(row: Row, bench: Bench, catch: Catch = caught) -> str:
    """In whole and as a stream, with parameters, a schema, an effort and an extra body.

    The templates are those of litellm as it is; `catch` has what it sends.
    """
    held = 0
    for streamed, params, extra in product((False, True), ASKED, (False, True)):
        body = dict([row.facts.extra]) if extra else {}
        model = row.model("http://127.0.0.1:9", extra_body=body)
        key = NO_KEY if model.provider.api_key_env is None else "sk-of-a-user"
        wanted = {"max_tokens": 70} | params
        for roles in (CONVERSATION, ("user",)):
            texts = [text.strip() for text in TEXTS[: len(roles)]]
            messages = [
                {"role": role, "content": text} for role, text in zip(roles, texts, strict=True)
            ]
            try:
                real = catch(model, messages, wanted, key, streamed=streamed)
            except ConfigError:
                raise
            except Exception:  # it does not take one of these
                continue
            template = compiled(model, wanted, roles, streamed=streamed)
            assert isinstance(template, Template), template
            ours = template.filled(texts, key, origin(model))
            assert (ours.method, ours.url, ours.body) == (real.method, real.url, real.body)
            assert ours.headers.items() <= real.headers.items()
            assert set(real.headers) - set(ours.headers) <= {
                "host",
                "content-length",
                "accept-encoding",
                "connection",
            }
            held += 1
    assert held >= 16, held
    return f"{held} alike"


async def compiles(row: Row, bench: Bench) -> str:
    """A call is sent by us, and says so; what is left to litellm says why."""
    reply, _ = await answered(row, bench)
    assert reply.by_litellm == ""
    left, _ = await answered(row, bench, compiled=False)
    assert (left.by_litellm, left.text) == ("compiled: false", reply.text)
    assert left.model_copy(update={"by_litellm": "", "seconds": reply.seconds}) == reply
    return "by us"
