"""Which dialect a provider speaks."""

from runner.config.schema import Provider
from runner.drill.loopback.clouds import Azure, Bedrock, Vertex
from runner.drill.loopback.dialect import Dialect
from runner.drill.loopback.dialects import Anthropic, Gemini, Ollama, OpenAI

_DIALECTS: dict[str, Dialect] = {
    "anthropic": Anthropic(),
    "azure": Azure(),
    "bedrock": Bedrock(),
    "gemini": Gemini(),
    "ollama_chat": Ollama(),
    "vertex_ai": Vertex(),
}
_OPENAI = OpenAI()


def dialect_of(provider: Provider) -> Dialect:
    """By its litellm prefix."""
    return _DIALECTS.get(provider.litellm, _OPENAI)
