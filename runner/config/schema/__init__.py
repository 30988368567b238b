"""Every key that `conf/` may hold, typed: what a composed config becomes before it is used.

Nothing else is accepted (`validation.py` reports it). Units live in the names.
"""

from runner.config.schema.base import (
    LOWEST,
    STRICTER,
    TOKENS_PER_BYTE,
    Data,
    Day,
    FallbackKind,
    Gate,
    Name,
    Output,
    Privacy,
    Sampling,
    Seconds,
    Share,
    Strict,
    Usd,
    seconds,
)
from runner.config.schema.composite import (
    MODELS,
    Cascade,
    Composite,
    Model,
    Router,
    Rule,
    SelfConsistency,
    Split,
    answerers,
    models_of,
    singles,
    with_models,
)
from runner.config.schema.job import (
    Bound,
    Breaker,
    Callback,
    Fallback,
    Job,
    Requirements,
    Retry,
    Tracing,
)
from runner.config.schema.single import (
    AnyPrice,
    Artifact,
    Benchmark,
    LongPrompt,
    Part,
    Price,
    Provider,
    Rates,
    Reasoning,
    ServerPrice,
    Single,
    Typical,
)
from runner.config.schema.task import Task
from runner.config.schema.tool import TOOL_CHOICES, Tool
