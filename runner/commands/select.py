"""Which models are worth measuring, and the command that measures them; nothing is sent.

    python -m runner select task=extraction
    python -m runner select requirements=chat needs=[multilingual]
    python -m runner select task=extraction to=conf/sweep/shortlist.yaml

A decision tree suggests (conf/decision/), bounds exclude, what is left is ranked. Exit code 0 also
where nothing fits: what comes nearest is printed, with what excludes it.
conf/select.yaml holds every key and what it means.
"""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from runner.commands._arguments import Conf, arguments
from runner.decide.select.candidates import Prospect, Selection
from runner.decide.select.selecting import SelectSettings, select
from runner.decide.select.shortlist import Shortlist, sweep_place
from runner.errors import ConfigError
from runner.report import selection as report
from runner.report.console import emit, note, uncut


def main(argv: Sequence[str], today: date | None = None) -> int:
    given = arguments("select", __doc__, argv)
    overrides, config_dir = given.overrides, given.config_dir
    with given.conf() as config:
        settings = settings_of(config, overrides)
        if settings.to is not None:
            sweep_place(settings.to, config_dir)  # refused before anything is printed
        models = config.catalogue()
    selection = select(settings, models, settings.day or today or date.today())
    following = Shortlist(
        models=[each.option for each in selection.shortlist],
        overrides=[override for override in overrides if _is_of_a_run(override)],
        config_dir=config_dir,
    )
    _print(settings, selection, following.command() if following.models else None)
    if settings.to is not None:
        _write(settings.to, following, argv, selection.shortlist)
    return 0


def settings_of(config: Conf, overrides: Sequence[str]) -> SelectSettings:
    """The settings; a task brings the requirements of its name along, unless others are named."""
    chosen = {override.partition("=")[0] for override in overrides}
    named = "task" not in chosen or "requirements" in chosen
    return config.settings(
        SelectSettings, [*([] if named else ["requirements=${task}"]), *overrides]
    )


def _is_of_a_run(override: str) -> bool:
    """Whether a measurement has to be told it, too."""
    return override.lstrip("+").partition("=")[0].partition(".")[0] in ("task", "requirements")


def _write(
    file: Path, following: Shortlist, argv: Sequence[str], shortlist: Sequence[Prospect]
) -> None:
    if not following.models:
        raise ConfigError(f"to: nothing fits, so there is no sweep to write to {file}")
    keys = {name for each in shortlist if (name := each.model.provider.api_key_env)}
    command = following.write(file, argv, keys)
    print(f"{file} holds this shortlist; run it with: {command}", file=sys.stderr)


def _print(settings: SelectSettings, selection: Selection, command: str | None) -> None:
    name = settings.task.name if settings.task else settings.requirements.name
    month = settings.requirements.requests_per_month
    text = [*report.text(name, selection, month), "", *map(note, selection.notes)]
    if command:
        text += ["", uncut(f"Run next: {command}")]
    emit(
        settings.format,
        text=text,
        tree=report.plain(name, selection, command),
    )
