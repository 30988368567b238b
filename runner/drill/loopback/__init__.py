"""Providers that are played: in their own formats, and as slow and as broken as a drill wants them.

exchange.py a request and an answer · server.py the connection · the rest: a dialect each
"""

from runner.config.schema import Provider
from runner.drill.loopback.anthropic import Anthropic
from runner.drill.loopback.dialect import Dialect
from runner.drill.loopback.gemini import Gemini
from runner.drill.loopback.ollama import Ollama
from runner.drill.loopback.openai import OpenAI

_OPENAI = OpenAI()
_DIALECTS: dict[str, Dialect] = {
    dialect.litellm: dialect for dialect in (_OPENAI, Anthropic(), Gemini(), Ollama())
}


def dialect_of(provider: Provider) -> Dialect:
    """By its litellm prefix; most speak like OpenAI."""
    return _DIALECTS.get(provider.litellm, _OPENAI)
