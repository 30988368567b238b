"""The facts: how each provider wants to be asked, and what it does not have.

Places are paths into the body of a request. A hole has its reason, and is tested where it can be.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import yaml

from runner.config.paths import builtin
from runner.config.schema import Provider, Single, Typical
from runner.errors import ErrorKind
from tests.loopback.formats import FORMATS
from tests.loopback.strict import Fault, Format

CONF = builtin("conf") / "provider"
KEY_NAME, KEY = "PROVIDERS_API_KEY", "sk-planted-0123456789-abcdef"


@dataclass(frozen=True)
class Hole:
    """What a provider does not have; `refused`: asking for it is an error in the configuration."""

    reason: str
    refused: bool = False


@dataclass(frozen=True)
class Facts:
    id: str  # of a model
    path: str = "/v1/chat/completions"
    key: str | Hole = f"authorization: Bearer {KEY}"
    system: str = "messages.0.content"
    max_tokens: str = "max_tokens"
    temperature: str = "temperature"
    stop: str | Hole = "stop"
    seed: str | Hole = "seed"
    schema: str | Hole = "response_format.json_schema.schema"
    json_object: str | Hole = "response_format"
    image: str = "messages.1.content.1.image_url.url"
    extra: tuple[str, Any] = ("top_k", 40)
    cached: Hole | None = None
    written: Hole | None = Hole("no count of tokens written to a cache")
    reasoning: Hole | None = None
    model: Hole | None = None  # that a reply names
    streams: Hole | None = None
    schema_streams: Hole | None = None
    faults: dict[Fault, ErrorKind | Hole] = field(default_factory=dict)  # that differ from KINDS


KINDS: dict[Fault, ErrorKind] = {
    400: "bad_request",
    401: "auth",
    403: "auth",
    404: "not_found",
    408: "timeout",
    413: "bad_request",
    422: "bad_request",
    429: "rate_limit",
    500: "server_error",
    502: "server_error",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
    "context_window": "context_window",
    "content_policy": "content_policy",
    "no_quota": "insufficient_quota",
}
_NO_POLICY = Hole("it has no error for it: a filter ends the answer, or there is none")
_OWN_MACHINE: dict[Fault, ErrorKind | Hole] = {
    "content_policy": Hole("a server of one's own filters nothing"),
    "no_quota": Hole("a server of one's own is not paid"),
}

FACTS: dict[str, Facts] = {
    "openai": Facts("gpt-4o-2024-08-06", extra=("service_tier", "flex"), written=None),
    "anthropic": Facts(
        "claude-haiku-4-5-20251001",
        path="/v1/messages",
        key=f"x-api-key: {KEY}",
        system="system.0.text",
        stop="stop_sequences",
        seed=Hole("it takes no seed", refused=True),
        schema="output_format.schema",
        json_object=Hole("JSON without a schema: litellm would drop it silently", refused=True),
        image="messages.0.content.1.source.data",
        written=None,
    ),
    "google": Facts(
        "gemini-3.1-flash-lite",
        path="/v1beta/models/gemini-3.1-flash-lite:generateContent",
        key=f"x-goog-api-key: {KEY}",
        system="system_instruction.parts.0.text",
        max_tokens="generationConfig.max_output_tokens",
        temperature="generationConfig.temperature",
        stop="generationConfig.stop_sequences",
        seed="generationConfig.seed",
        schema="generationConfig.response_json_schema",
        json_object="generationConfig.response_mime_type",
        image="contents.0.parts.1.inline_data.data",
        extra=("safetySettings", [{"category": "X", "threshold": "BLOCK_NONE"}]),
    ),
    "mistral": Facts(
        "mistral-small-2603",
        seed="random_seed",
        extra=("safe_prompt", True),
        faults={400: "not_found", "content_policy": _NO_POLICY},  # its 400 is an unknown model
    ),
    "together": Facts("openai/gpt-oss-120b", faults={"content_policy": _NO_POLICY}),
    "fireworks": Facts(
        "accounts/fireworks/models/glm-5p3-flash",
        path="/inference/v1/chat/completions",
        faults={"content_policy": _NO_POLICY},
    ),
    "groq": Facts(
        "openai/gpt-oss-20b",
        path="/openai/v1/chat/completions",
        extra=("reasoning_format", "hidden"),
        schema_streams=Hole("litellm does not stream what has a schema"),
        faults={413: "context_window", "content_policy": _NO_POLICY},
    ),
    "openrouter": Facts(
        "anthropic/claude-haiku-5.5",
        path="/api/v1/chat/completions",
        extra=("provider", {"order": ["anthropic"], "allow_fallbacks": False}),
        faults={"content_policy": _NO_POLICY},
    ),
    "cerebras": Facts("gpt-oss-120b"),
    "deepseek": Facts("deepseek-flash", path="/beta/chat/completions"),
    "xai": Facts("grok-4.3", stop=Hole("its models that reason take none", refused=True)),
    "zai": Facts("glm-5.3-flash", path="/api/paas/v4/chat/completions"),
    "moonshot": Facts("kimi-k3.1-pro"),
    "dashscope": Facts("qwen3.8-flash", path="/compatible-mode/v1/chat/completions"),
    "cohere": Facts(
        "command-a-03-2025",
        path="/compatibility/v1/chat/completions",
        streams=Hole("it is asked for whole answers: its streams refuse to be asked for usage"),
    ),
    "openai_compatible": Facts("whatever"),
    "azure": Facts(
        "gpt-4o-2024-08-06",
        path="/openai/deployments/gpt-4o-2024-08-06/chat/completions?api-version=2025-04-01-preview",
        key=f"api-key: {KEY}",
        extra=("service_tier", "flex"),
        written=None,
    ),
    "bedrock": Facts(
        "amazon.nova-micro-v1:0",
        path="/model/amazon.nova-micro-v1%3A0/converse",
        system="system.0.text",
        max_tokens="inferenceConfig.maxTokens",
        temperature="inferenceConfig.temperature",
        stop="inferenceConfig.stopSequences",
        seed=Hole("it takes no seed", refused=True),
        schema=Hole("litellm asks for a schema as a tool", refused=True),
        json_object=Hole("JSON without a schema: litellm would drop it silently", refused=True),
        image="messages.0.content.1.image.source.bytes",
        extra=("additionalModelRequestFields.inferenceConfig", {"topK": 40}),
        written=None,
        reasoning=Hole("it states no reasoning tokens"),
        model=Hole("its replies name no model"),
        faults={"content_policy": _NO_POLICY, "no_quota": Hole("it bills afterwards")},
    ),
    "vertex": Facts(
        "gemini-3.1-flash-lite",
        path="/v1/projects/our-project/locations/global/publishers/google/models/"
        "gemini-3.1-flash-lite:generateContent",
        system="system_instruction.parts.0.text",
        max_tokens="generationConfig.max_output_tokens",
        temperature="generationConfig.temperature",
        stop="generationConfig.stop_sequences",
        seed="generationConfig.seed",
        schema="generationConfig.response_json_schema",
        json_object="generationConfig.response_mime_type",
        image="contents.0.parts.1.inline_data.data",
        extra=("safetySettings", [{"category": "X", "threshold": "BLOCK_NONE"}]),
    ),
    "ollama": Facts(
        "llama3.1:8b-instruct-q4_K_M",
        path="/api/chat",
        key=Hole("it takes no key"),
        max_tokens="options.num_predict",
        temperature="options.temperature",
        stop="options.stop",
        seed="options.seed",
        schema="format",
        json_object="format",
        image="messages.1.images.0",
        extra=("keep_alive", "10m"),
        cached=Hole("it states no cached tokens"),
        reasoning=Hole("it states no reasoning tokens"),
        faults=_OWN_MACHINE,
    ),
    "vllm": Facts(
        "meta-llama/Meta-Llama-3.1-70B-Instruct",
        key=Hole("none unless it was started with one"),
        faults=_OWN_MACHINE,
    ),
    "local": Facts(
        "SmolLM2-135M-Instruct",
        key=Hole("it takes no key"),
        extra=("cache_prompt", False),
        faults=_OWN_MACHINE,
    ),
}


@dataclass(frozen=True)
class Row:
    """One provider: the facts, the server that speaks like it, and what conf/ says of it."""

    name: str

    @property
    def facts(self) -> Facts:
        return FACTS[self.name]

    @property
    def speaks(self) -> Format:
        return FORMATS[self.name]

    def configured(self) -> dict[str, Any]:
        conf: dict[str, Any] = yaml.safe_load((CONF / f"{self.name}.yaml").read_text())
        return conf

    def model(self, host: str, **changes: Any) -> Single:
        """As in conf/, with the host and the key's name replaced."""
        conf = self.configured()
        own = "/v1" if self.name in ("local", "openai_compatible") else ""
        path = urlsplit(conf["api_base"]).path if "api_base" in conf else own
        provider = Provider(
            name=self.name,
            litellm=conf["litellm"],
            api_base=host + path,
            api_key_env=KEY_NAME if {"api_key_env", "credentials"} & set(conf) else None,
            api_version=conf.get("api_version"),
            region=conf.get("region"),
            project="our-project" if "credentials" in conf else None,
            credentials=conf.get("credentials"),
            streams=conf.get("streams", True),
            documents=conf.get("documents", False),
            timeout=changes.pop("timeout", 10),
            data=conf["data"],
        )
        plain: dict[str, Any] = {
            "kind": "single",
            "name": self.name,
            "id": self.facts.id,
            "provider": provider,
            "price": None,
            "context_tokens": 8192,
            "retires": None,
            "successor": None,
            "allow_unpinned": False,
            "strengths": (),
            "typical": Typical(),
            "benchmarks": {},
            "drop_params": (),
            "extra_body": {},
            "artifact": None,
        }
        return Single(**plain | changes)
