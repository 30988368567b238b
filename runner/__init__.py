"""Choose, ship and keep the right language model: the model decision as code.

    from runner import load

    with load("task=extraction", "model=haiku") as client:
        print(client.ask("Two pumps arrived broken …").output)

`results` gives what all runs have measured, as rows.

Nothing costly is imported before it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.decide.history import results
    from runner.errors import ConfigError, RunnerError
    from runner.production.answer import Answer
    from runner.production.client import AskFailed, Client, Stream, load

__all__ = [
    "Answer",
    "AskFailed",
    "Client",
    "ConfigError",
    "RunnerError",
    "Stream",
    "load",
    "results",
]

_HOMES = {
    "Answer": "runner.production.answer",
    "AskFailed": "runner.production.client",
    "Client": "runner.production.client",
    "ConfigError": "runner.errors",
    "RunnerError": "runner.errors",
    "Stream": "runner.production.client",
    "load": "runner.production.client",
    "results": "runner.decide.history",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'runner' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
