"""What `check compile=true` finds: whether litellm's requests to a model can be compiled.

Each is compiled for the default task, whole and as a stream, and kept for the runs to come.
"""

from collections.abc import Iterator
from typing import Any

from runner.calls.compile import Templates, check_once, named
from runner.cases.cases import Case
from runner.cases.query import parameters, query
from runner.commands._facts import Finding
from runner.config.schema import Single, Task
from runner.errors import ConfigError

_SOMEWHERE = "https://example.org/v1"  # for an address that is a customer's own, or not known yet
_ROLES = ("system", "user")


def of_model(model: Single, task: Task, templates: Templates) -> Iterator[Finding]:
    """Raises ConfigError for one that is refused."""
    model = _placed(model)
    params = _taken(model, task)
    ways = {"whole": False, **({"as a stream": True} if model.provider.streams else {})}
    compiled = []
    for way, streamed in ways.items():
        name = named(model, params, _ROLES, streamed)
        made = _by_litellm(model) or templates.get(name, model, params, _ROLES, streamed)
        if isinstance(made, str):
            yield "notes", f"compiled: not {way}, litellm sends such requests: {made}"
        else:
            compiled.append(way)
    if compiled:
        yield "details", f"compiled: {' and '.join(compiled)}"


def _taken(model: Single, task: Task) -> dict[str, Any]:
    """The task's parameters, or fewer: that a model takes them all, it need not for every task."""
    params = parameters(model, query(task, Case(id="-", input="-"), [], None))
    try:
        check_once(model, params)
    except ConfigError:
        params = {"max_tokens": params["max_tokens"]}
        check_once(model, params)
    return params


def _by_litellm(model: Single) -> str | None:
    if model.provider.signs:
        return "each is signed"
    return None if model.compiled and model.provider.compiled else "compiled: false"


def _placed(model: Single) -> Single:
    """With an address and a project, which a request has and its form does not hang on."""
    if not model.provider.api_base:
        model = model.at(_SOMEWHERE)
    project = model.provider.project or "a-project"
    return model.model_copy(
        update={"provider": model.provider.model_copy(update={"project": project})}
    )
