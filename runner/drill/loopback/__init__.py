"""Every provider on the loopback interface: strict about a request, true in what it answers.

    speaks = format_of(model.provider)
    with Loopback(lambda request: speaks.answer(request, Saying("hi")), speaks) as server:
        ...  # the provider's api_base is server.base_url
    assert speaks.read(server.requests[0]).temperature == 0.0

What it answers is a plain function of the request: `Format.answer` says something, whole or as a
stream, `Format.fault` states an error, and answers.py has more, connections that break among them.
"""

from runner.config.schema import Provider
from runner.drill.loopback.anthropic import ANTHROPIC
from runner.drill.loopback.exchange import Answer, AnswerFunction, Request, in_turn
from runner.drill.loopback.format import AnyBody, ChatRequest, Fault, Flow, Format, Saying
from runner.drill.loopback.gemini import GEMINI
from runner.drill.loopback.ollama import OLLAMA
from runner.drill.loopback.openai import FIREWORKS, GROQ, LOCAL, MISTRAL, OPENAI, TOGETHER, VLLM
from runner.drill.loopback.server import Loopback

__all__ = [
    "FORMATS",
    "Answer",
    "AnswerFunction",
    "AnyBody",
    "ChatRequest",
    "Fault",
    "Flow",
    "Format",
    "Loopback",
    "Request",
    "Saying",
    "format_of",
    "in_turn",
]

# By the names in conf/provider/.
FORMATS: dict[str, Format] = {
    speaks.name: speaks
    for speaks in (
        OPENAI,
        ANTHROPIC,
        GEMINI,
        MISTRAL,
        TOGETHER,
        FIREWORKS,
        GROQ,
        OLLAMA,
        VLLM,
        LOCAL,
    )
}


def format_of(provider: Provider) -> Format:
    """By its name, else by its litellm prefix; of a prefix that is new, OpenAI's."""
    named = FORMATS.get(provider.name)
    if named and named.litellm == provider.litellm:
        return named
    same = (speaks for speaks in FORMATS.values() if speaks.litellm == provider.litellm)
    return next(same, VLLM)
