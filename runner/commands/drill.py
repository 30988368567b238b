"""What a chain does when its provider fails: 429, 500, hang, reset, an outage …, offline and free.

    python -m runner drill task=extraction model=haiku fallback=cross_provider
    python -m runner drill task=extraction model=haiku 'only=[outage,hang]'
    python -m runner drill task=extraction model=haiku served=true

Loopback providers stand in for all models; retries, fallbacks, limits and the circuit are those of
the config. Exit 3 when the requirements promise something that a fault breaks. conf/drill.yaml
holds the faults.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

from runner.commands._arguments import arguments
from runner.config.paths import shared
from runner.drill.clock import simulate
from runner.drill.faults import Drill, Fault
from runner.drill.rehearsal import Asks, rehearse
from runner.drill.result import DrillResult, conclusion, faulted, identity, kept, notes, subject
from runner.drill.stage import offline
from runner.errors import GATE_EXIT, ConfigError, did_you_mean
from runner.pipeline import provenance
from runner.pipeline.plan import prepare
from runner.pipeline.progress import progress
from runner.pipeline.session import Session
from runner.record.files import REPORT, RESULT, dated, utc_now, write_json, write_text
from runner.report import console
from runner.report.drill import markdown, terminal


def main(argv: Sequence[str]) -> int:
    job = arguments("drill", __doc__, argv).job(Drill)
    result = drill(job)
    directory = _write(job, result)
    console.show([*terminal(result), console.pointer("report", directory / REPORT)])
    return 0 if result.kept else GATE_EXIT


def drill(job: Drill) -> DrillResult:
    """Raises ConfigError for a job that could not run either, but for a key that it lacks."""
    faults = _chosen(job)
    plan = prepare(offline(job))
    plan.make_ready()
    started = utc_now()
    with progress() as bar:
        advance = bar(f"drill of {job.label}", plan.count * len(faults))
        seen = simulate(rehearse(plan, faults, advance, _front(job)))
    found = faulted(job.requirements, faults, seen)
    return DrillResult(
        started=started,
        task=job.task.name,
        model=job.model.name,
        fallback=[model.name for model in job.fallback.chain.values()],
        identity=identity(job),
        command=provenance.shared_command(),
        faults=found,
        notes=notes(job),
        versions=provenance.versions(),
        git=provenance.git(),
        config=subject(job),
        kept=kept(found),
    )


def _front(job: Drill) -> Callable[[Session], Asks] | None:
    if not job.served:
        return None
    if not find_spec("starlette"):
        raise ConfigError("served: needs an extra: pip install 'llm-decision-runner[serve]'")
    from runner.production.rehearsed import Client

    return Client


def _chosen(job: Drill) -> dict[str, Fault]:
    for name in job.only:
        if name not in job.faults:
            raise ConfigError(f"only: no fault '{name}'{did_you_mean(name, job.faults)}")
    return {name: fault for name, fault in job.faults.items() if name in (job.only or job.faults)}


def _write(job: Drill, result: DrillResult) -> Path:
    directory = dated(job.outputs, "drills", job.label)
    said = {"conclusion": conclusion(result)}
    write_json(directory / RESULT, result.model_dump(mode="json") | said)
    write_text(directory / REPORT, shared(markdown(result)))
    return directory
