"""Is a decision ready for production? Line by line, each with its evidence; nothing is sent.

    python -m runner checklist task=extraction model=haiku fallback=cross_provider
    python -m runner checklist task=extraction gate=true
    python -m runner checklist task=extraction model=haiku format=markdown to=checklist.md

Exit 3 under gate=true, and gate=proven, when a line is open. conf/checklist.yaml holds what only
people can answer.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from runner.commands._arguments import Conf, arguments
from runner.config import loading
from runner.config.validation import validated
from runner.decide import traffic
from runner.decide.checklist import on_record
from runner.decide.checklist.facts import Checklist, Facts
from runner.decide.checklist.rows import Lines, lines
from runner.decide.spend import SpendSettings
from runner.errors import GATE_EXIT, ConfigError
from runner.report import checklist as report
from runner.report.console import emit


def main(argv: Sequence[str], today: date | None = None) -> int:
    given = arguments("checklist", __doc__, argv)
    if any(override.lstrip("+").partition("=")[0] == "sweep" for override in given.overrides):
        raise ConfigError("checklist: is about one decision; leave the sweep out")
    with given.conf() as config:
        facts = _facts(config, today or datetime.now(UTC).date())
    found = lines(facts)
    _print(facts.decision, found)
    is_open = any(each.state == "open" for section in found.values() for each in section)
    return GATE_EXIT if is_open and facts.decision.gate else 0


def _facts(config: Conf, today: date) -> Facts:
    decision = validated(
        Checklist, loading.plain(config.compose(Checklist), config.given.overrides)
    )
    told = loading.resolved(config.options.compose(config="spend"))
    watched = validated(SpendSettings, told)
    cases = on_record.present(decision.task)
    runs = on_record.recorded(decision)
    return Facts(
        decision=decision,
        today=today,
        cases=cases,
        measured=on_record.measured(decision, cases, runs),
        contest=on_record.contest(decision, cases, runs),
        drilled=on_record.drilled(decision),
        alerts=watched.alerts,
        notify=watched.notify,
        files=_files(config),
        traffic=traffic.of(
            decision.outputs, decision.task.name, decision.model, today - decision.max_age
        ),
    )


def _files(config: Conf) -> Mapping[str, Path]:
    """The file of each group's choice; the model's is the mapping's where that chose it."""
    options, composed = config.options, config.compose(Checklist, hydra=True)
    chosen = {group: str(option) for group, option in composed.hydra.runtime.choices.items()}
    found = {
        group: files[chosen[group]]
        for group, files in options.files.items()
        if chosen.get(group) in files
    }
    by_mapping = {"model": found["mapping"]} if "mapping" in found else {}
    own = {name: options.files[""][name] for name in ("checklist", "spend")}
    return by_mapping | found | own


def _print(decision: Checklist, found: Lines) -> None:
    title = f"{decision.task.name} · {decision.model.name} ({decision.model.id})"
    start = decision.to.absolute().parent if decision.to else Path.cwd()  # of relative links
    emit(
        decision.format,
        decision.to,
        text=report.terminal(title, found, start),
        markdown=report.markdown(title, found, start),
        tree=report.plain(title, found, start),
    )
