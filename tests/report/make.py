"""Jobs and outcomes as a run would record them, for tests that need no run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from runner.config.schema import Job
from runner.record.files import JOURNAL, RUN, write_json
from runner.record.outcomes import Answered, Attempt, Failed, Score, Usage

PRICE = {
    "input_usd_per_mtok": 1.0,
    "output_usd_per_mtok": 4.0,
    "checked": "2026-11-23",
    "source": "https://example.com/prices",
}

Factory = Callable[..., Path]  # of run directories: the fixture `write_run`


def model(name: str = "small", data: str = "third_party", **changes: Any) -> dict[str, Any]:
    return {
        "kind": "single",
        "name": name,
        "id": f"{name}-2026-01-01",
        "provider": {
            "name": f"{name}-host",
            "litellm": "openai",
            "api_base": "http://127.0.0.1:1/v1",
            "api_key_env": None,
            "timeout": 30,
            "data": data,
        },
        "price": PRICE,
        "context_tokens": 8000,
        "retires": None,
        "successor": None,
        "allow_unpinned": False,
        "strengths": [],
        "typical": {},
        "benchmarks": {},
        "drop_params": [],
        "extra_body": {},
        "artifact": None,
    } | changes


def job(
    *,
    requirements: dict[str, Any] | None = None,
    task: dict[str, Any] | None = None,
    chain: dict[str, Any] | None = None,
    **changes: Any,
) -> Job:
    config: dict[str, Any] = {
        "task": {
            "name": "sorting",
            "cases": "sorting/cases.jsonl",
            "system": None,
            "prompt": "{{ input }}",
            "output": "text",
            "json_schema": None,
            "sampling": {"temperature": 0.0, "max_tokens": 50},
            "scorers": {"exact": {}},
            "quality": None,
        }
        | (task or {}),
        "model": model(),
        "requirements": {"name": "base"} | (requirements or {}),
        "retry": {
            "name": "default",
            "attempts": 3,
            "initial_wait": 1,
            "max_wait": 30,
            "jitter": 0,
            "total": 120,
        },
        "fallback": {"name": "f", "chain": chain or {}, "on": ["timeout"] if chain else []},
        "limit": None,
        "tags": [],
        "repeats": 1,
        "concurrency": 1,
        "seed": None,
        "gate": False,
        "reuse": None,
        "outputs": "outputs",
    }
    return Job.model_validate(config | changes)


def attempt(name: str = "small", **changes: Any) -> Attempt:
    known = {"seconds": 1.0, "waited_seconds": 0.0, "cost_usd": 0.001, "http_requests": 1}
    return Attempt.model_validate({"model": name} | known | changes)


def answered(case: str = "a", quality: float = 1.0, **changes: Any) -> Answered:
    served_by = changes.get("served_by", "small")
    usage = changes.get("usage", Usage(input_tokens=100, output_tokens=50))
    paid = {
        "cost_usd": changes.get("cost_usd", 0.001),
        "replayed": changes.get("replayed", False),
        "usage": usage,
        "fallback": changes.get("fallback"),
        "arm": changes.get("arm", ""),
    }
    known: dict[str, Any] = {
        "case": case,
        "repeat": 0,
        "model": "small",
        "key": "k",
        "messages": [{"role": "user", "content": f"input of {case}"}],
        "request": {},
        "expected": "yes",
        "cost_usd": 0.001,
        "seconds": 1.0,
        "queued_seconds": 0.0,
        "attempts": [attempt(served_by, **paid)],
        "served_by": served_by,
        "model_served": None,
        "reply": "no",
        "finish_reason": "stop",
        "usage": usage,
        "scores": {"exact": Score(value=quality, why=f"it is worth {quality}")},
    }
    return Answered.model_validate(known | changes)


def failed(case: str = "b", **changes: Any) -> Failed:
    known: dict[str, Any] = {
        "case": case,
        "repeat": 0,
        "model": "small",
        "key": "k",
        "messages": [{"role": "user", "content": f"input of {case}"}],
        "request": {},
        "cost_usd": 0.0,
        "seconds": 60.0,
        "queued_seconds": 0.0,
        "attempts": [attempt(seconds=60.0, cost_usd=0.0, error="timeout", status=504)],
        "error": "timeout (HTTP 504): too late",
    }
    return Failed.model_validate(known | changes)


def run(
    directory: Path,
    lines: list[Answered | Failed],
    of: Job | None = None,
    *,
    outcomes: int | None = None,
) -> Path:
    """The directory of a run: all of it, or `outcomes` says how many there should have been."""
    of = of or job()
    directory.mkdir(parents=True, exist_ok=True)
    write_json(
        directory / RUN,
        {
            "identity": "0" * 64,
            "task": of.task.name,
            "model": of.model.name,
            "id": of.model.id,
            "started": "2026-11-23T12:00:00+00:00",
            "command": "python -m runner task=sorting model=small",
            "config": of.model_dump(mode="json"),
            "git": {"commit": "abc123", "dirty": True},
            "versions": {"python": "3.11.7", "xllamacpp": None},
            "prices": {
                model.name: model.price and model.price.model_dump(mode="json")
                for model in of.models.values()
            },
            "cases": {"path": "tasks/sorting/cases.jsonl", "sha256": "f" * 64, "count": 2},
            "outcomes": len(lines) if outcomes is None else outcomes,
            "taken_over": 0,
        },
    )
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    (directory / JOURNAL).write_text(text, encoding="utf-8")
    return directory
