"""What could move a decision? Looked at daily; where something does, the migration is written.

    python -m runner watch                    each task of the mapping; silent where nothing moved
    python -m runner watch task=extraction mapping=hosted
    python -m runner watch watch.days_ahead=90 budget_usd=2

What is due is printed, the successor and the runner-up are measured on the task's cases, and a
proven or supported one becomes a branch, a pull request where `gh` is there, and files in
outputs/watch/. Your own files stay as they are. Exit code 0: nothing has to move, and nothing is
printed, but once what was measured and stays; 3: something is due; 4: it could not be measured.
conf/watch.yaml holds every key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from pydantic import Field

from runner.commands import _canary, _migration
from runner.commands._arguments import Conf, arguments
from runner.commands._migration import Decision
from runner.config import loading, paths, pins, redact
from runner.config.overrides import KEY
from runner.config.schema import Job, Single, Strict
from runner.config.terminal import clean, say
from runner.config.validation import validated
from runner.decide import own_runs, traffic
from runner.decide.notify import Notifier, Notify, leak, refuse_urls
from runner.decide.promote import decision_record
from runner.decide.promote.drift import Finding, in_production, stated, told
from runner.decide.watch import due
from runner.decide.watch.due import Due
from runner.errors import GATE_EXIT, INCOMPLETE_EXIT, ConfigError, RunnerError
from runner.measure.observations import own
from runner.record.files import dated


class Watch(Strict):
    days_ahead: int = Field(ge=0)
    notify: Notify


class Watched(Job):
    """conf/watch.yaml."""

    decided_in: str
    watch: Watch


def main(argv: Sequence[str], today: date | None = None) -> int:
    refuse_urls(argv)
    given = arguments("watch", __doc__, argv)
    today = today or date.today()
    with given.conf() as config:
        settings, tasks = _tasks(config)
        looks = [_look(config, settings, task, today) for task in tasks]
        notifier = Notifier(settings.notify)
        ends = _listed(looks)
        ahead = timedelta(settings.days_ahead)
        catalogue = config.catalogue()
        lines: list[str] = []
        code = 0
        for look in looks:
            try:
                said, found = _answered(config, look, ahead, ends, catalogue)
            except RunnerError as error:
                said, found = [f"{look.job.label}: {error}"], INCOMPLETE_EXIT
            print(*map(clean, map(redact.redact, said)), sep="\n", end="\n" if said else "")
            lines, code = lines + said, max(code, found)
    for problem in notifier.tell("runner: a decision is due", "\n".join(lines)) if code else ():
        say(problem)
    return code


def _tasks(config: Conf) -> tuple[Watch, list[str]]:
    """The task that was named, or each that the mapping answers. Raises ConfigError."""
    keys = {each.partition("=")[0].lstrip("+") for each in config.given.overrides}
    if wrong := keys & {"model", "sweep", "reuse", "baseline", "junit", "estimate"}:
        raise ConfigError(f"{min(wrong)}: has no meaning for watch: the mapping says what to watch")
    composed = config.compose(Watched)
    settings = validated(Watch, loading.resolved(composed.watch), "watch.")
    mapped = [str(task) for task in composed.mapping if task != KEY]
    return settings, [composed.task.name] if "task" in keys else mapped


def _look(config: Conf, watch: Watch, task: str, today: date) -> Decision:
    tree = config.plain(config.compose(Watched, f"task={task}", hydra=True))
    mapping = str(tree.pop("decided_in"))
    del tree["watch"]
    job = loading.validate(tree).with_singles(lambda model: model.on(today))
    privacy = job.requirements.data_privacy
    if leaks := leak(watch.notify, privacy, f"requirements.data_privacy of {task}"):
        raise ConfigError(f"watch.{leaks}")
    folders = paths.tasks_dirs()
    known = any(decision_record.place(each, task, mapping).is_file() for each in folders)
    record = decision_record.find(folders, task, mapping) if known else None
    return Decision(job, mapping, record, today)


def _listed(looks: Sequence[Decision]) -> due.Ends:
    """What providers say themselves; one that is down hides nothing of the others."""
    asked = [model for look in looks for model in look.models.values()]
    if not any(model.provider.api_key_env and not redact.unset(model) for model in asked):
        return {}
    from runner.calls.listing import ends
    from runner.pipeline import event_loop

    found, problems = event_loop.run(ends(asked))
    for problem in problems:
        say(problem)
    return found


def _answered(
    config: Conf,
    look: Decision,
    ahead: timedelta,
    ends: due.Ends,
    catalogue: Mapping[str, Single],
) -> tuple[list[str], int]:
    """What to say of a task, and the exit code. Raises RunnerError."""
    job, record, models = look.job, look.record, look.models
    found = [each for model in models.values() for each in _facts(look, ahead, model, ends)]
    seen, failed = _asked_again(look)
    found += due.of_findings([*_findings(look), *seen]) if record else _served(look)
    better: Mapping[str, Due] = {}
    heirs: list[str] = []
    if isinstance(job.model, Single):  # what is made of models has its arms in a file of its own
        relatives = due.relatives(job.model, catalogue, look.today, ahead, ends)
        better = due.cheaper(job.model, relatives, look.today, record)
        heirs = [job.model.successor] if job.model.successor else sorted(relatives)
    todo = [each for each in found if each.measured]
    said = _migration.Outcome()
    if todo or better:
        options = dict.fromkeys([*(heirs if todo else ()), *better])
        dues = [*todo, *better.values()]
        whole = replace(look, dues=dues, options=list(options), ahead=ahead, listed=ends)
        try:
            said = _migration.migrate(config, whole)
        except RunnerError as error:
            said = _migration.Outcome([f"  no migration: {error}"], INCOMPLETE_EXIT)
    due_now = [each for each in found if not (said.stays and each.measured)]
    # What was measured and stays is told once, with why.
    told_now = found if said.stays and said.lines else due_now
    told_now = told_now or (list(better.values()) if said.lines else [])
    lines = [f"{job.task.name} · {job.model.name}: {each}" for each in told_now]
    code = max(said.code, GATE_EXIT if due_now else 0)
    return [*lines, *said.lines, *failed], INCOMPLETE_EXIT if failed else code


def _facts(look: Decision, ahead: timedelta, model: Single, ends: due.Ends) -> Iterator[Due]:
    yield from due.retirement(model, look.today, ahead, due.said_of(model, ends))
    yield from due.dearer(model, look.today, ahead)
    yield from due.in_lists(model, look.today, look.record.price_map if look.record else ())


def _findings(look: Decision) -> Iterator[Finding]:
    """What has moved since the decision was promoted, as far as nobody has to be asked."""
    if (record := look.record) is None:
        return
    job = look.job
    yield from stated(record, job.model, look.today)
    yield from told(record, job)
    seen = traffic.of(job.outputs, record.task, job.model, record.promoted)
    yield from in_production(record, seen)


def _asked_again(look: Decision) -> tuple[list[Finding], list[str]]:
    """What the canary of a promoted decision shows, and why it could not be asked."""
    record, job = look.record, look.job
    ended = any(pins.retired(model, look.today) for model in look.models.values())
    keyless = any(redact.missing_key(model, "model") for model in job.models.values())
    if record is None or ended or keyless:
        return [], []
    directory = dated(job.outputs, "drift", job.label)
    try:
        failed, _, findings = _canary.ask(record, job, directory, look.today)
    except RunnerError as error:
        return [], [f"{job.label}: its canary: {line}" for line in str(error).splitlines()]
    lines = [f"{job.label}: {failed} calls of its canary failed; see {directory}"] if failed else []
    return findings, lines


def _served(look: Decision) -> Iterator[Due]:
    """In the newest run of the task, by the model that answers it."""
    models = look.models
    newest, _ = own_runs.of_task(look.job.outputs, look.job.task, models)
    for name, found in newest.items():
        lines = filter(own, found.run.outcomes())
        seen = {line.model_served for line in lines if line.model_served}
        yield from due.served([models[name].id], seen)
