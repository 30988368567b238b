"""The lines about what is wanted and what is allowed: the requirements, the constraints."""

from collections.abc import Iterator

from runner.decide.checklist import answers
from runner.decide.checklist.facts import Facts, Line, line
from runner.measure import formatting
from runner.measure.requirements import ALLOWED, leaks


def requirements(facts: Facts) -> Iterator[Line]:
    task, wanted = facts.decision.task, facts.decision.requirements
    said = f"{task.name}: {task.output} output, its quality is {task.quality_scorer}"
    yield line("The task is named", True, said, facts.files.get("task"))
    latency, usd = wanted.max_latency_ms, wanted.max_cost_per_request
    volume, context = wanted.requests_per_month, wanted.context_needed
    bounds = {
        "An acceptable latency": (
            "max_latency_ms",
            latency and f"p{wanted.latency_percentile} at most {formatting.bound(latency, 'ms')}",
        ),
        "A budget for each request": (
            "max_cost_per_request",
            None if usd is None else f"at most {formatting.bound(usd, 'usd')}",
        ),
        "The monthly volume": ("requests_per_month", volume and f"{volume:,} requests"),
        "The context length": ("context_needed", context and f"{context:,} tokens"),
    }
    for what, (key, value) in bounds.items():
        said = f"{key}: {value}" if value else f"requirements.{key} is not set"
        yield line(f"{what} is set", value is not None, said, facts.files.get("requirements"))


def constraints(facts: Facts) -> Iterator[Line]:
    privacy = facts.decision.requirements.data_privacy
    link = facts.files.get("requirements")
    said = f"data_privacy {privacy}: to {', '.join(ALLOWED[privacy])}"
    yield line("Where data may go is decided", True, said, link)
    found = leaks(facts.decision)
    reached = {f"{m.provider.name} ({m.provider.data})" for m in facts.decision.models.values()}
    said = "; ".join(found) or f"requests reach nothing but {', '.join(sorted(reached))}"
    yield line("The whole chain keeps data where it may be", not found, said, link)
    yield answers.compliance(facts)
    yield answers.team(facts)
    yield answers.commitment(facts)
