"""What the parts of the schema are written in: units, names, words."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema


def _privacy(word: Any) -> Any:
    """air-gapped, Air gapped and airgapped are air_gapped."""
    plain = re.sub(r"[\s_-]+", "", word).lower() if isinstance(word, str) else word
    return "air_gapped" if plain == "airgapped" else word


Data = Literal["on_device", "self_hosted", "third_party"]
Privacy = Annotated[
    Literal["standard", "strict", "air_gapped"],
    BeforeValidator(_privacy),
    WithJsonSchema({"enum": ["standard", "strict", "air_gapped", "air-gapped"]}),
]


def _gate(value: Any) -> Any:
    if isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    if not isinstance(value, bool) and value != "proven":
        raise ValueError("say false, true or proven")
    return value


# true: shut by what is missed, has regressed or was not measured; proven: by all that is not proven
Gate = Annotated[bool | Literal["proven"], BeforeValidator(_gate)]
STRICTER: tuple[Gate, ...] = (False, True, "proven")  # each than the one before
Output = Literal["text", "json", "code"]
# What another model may mend. A wrong key or a bad request is ours to mend, and never here.
FallbackKind = Literal[
    "rate_limit",
    "overloaded",
    "server_error",
    "timeout",
    "connection",
    "context_window",
    "content_policy",
    "truncated",
    "invalid_output",
]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)"


def seconds(value: Any) -> Any:
    """`30s`, `500ms`, `2m`, `1h` or a plain number, in seconds."""
    if isinstance(value, str):
        match = re.fullmatch(_DURATION, value.strip())
        if not match:
            raise ValueError(f"'{value}' is no duration; write 500ms, 30s, 2m or 1h")
        return float(match[1]) * _UNITS[match[2]]
    return value


def _first_day(value: Any) -> Any:
    """A month is its first day."""
    month = isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}", value)
    return f"{value}-01" if month else value


# What an editor is told that a file may hold.
_Written = Annotated[str, Field(pattern=f"^{_DURATION}$")] | float
Day = Annotated[
    date,
    BeforeValidator(
        _first_day, json_schema_input_type=Annotated[str, Field(pattern=r"^\d{4}-\d{2}")]
    ),
]
DURATION = BeforeValidator(seconds, json_schema_input_type=_Written)
Seconds = Annotated[float, DURATION, Field(gt=0)]
TOKENS_PER_BYTE = 0.25  # of English text, as most families count
Usd = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


LOWEST = "lowest"  # of the efforts that a model has; nothing, where it does not think


class Sampling(Strict):
    """None: not sent, the provider's default holds."""

    temperature: float | None = Field(None, ge=0, le=2)
    max_tokens: int = Field(ge=1)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: tuple[str, ...] | None = None
    reasoning_effort: str | None = None  # as the model has it, or LOWEST
