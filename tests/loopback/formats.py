"""Every provider of conf/, strict about a request and true in what it answers.

speaks = FORMATS["anthropic"]
with Loopback(lambda request: speaks.say(request, Saying("hi")), speaks) as server:
    ...  # the provider's api_base is server.base_url
assert speaks.read(server.requests[0]).temperature == 0.0
"""

from tests.loopback.anthropic import ANTHROPIC
from tests.loopback.bedrock import BEDROCK
from tests.loopback.gemini import GEMINI, VERTEX
from tests.loopback.ollama import OLLAMA
from tests.loopback.openai import (
    AZURE,
    FIREWORKS,
    GROQ,
    LIKE_OPENAI,
    LOCAL,
    MISTRAL,
    OPENAI,
    OPENROUTER,
    TOGETHER,
    VLLM,
)
from tests.loopback.strict import Format

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
        OPENROUTER,
        *LIKE_OPENAI,
        AZURE,
        BEDROCK,
        VERTEX,
        OLLAMA,
        VLLM,
        LOCAL,
    )
}
