"""Write a sweep's winner into a mapping, with a decision record, as a diff to commit.

    python -m runner promote outputs/sweeps/<sweep> candidate=haiku
    python -m runner promote outputs/sweeps/<sweep> candidate=haiku mapping=mine --config-dir conf
    python -m runner promote outputs/sweeps/<sweep> candidate="gpt-6-luna effort=high"

What the sweep has set besides the model (effort, prompt, …) goes into the mapping with it.

Settings:
    mapping=default         the file of conf/mapping/ to change
    task=extraction         where the sweep has several
    canary=10               so many cases with their answers go on record, for `drift` to ask again
    unproven=true reason="…"    promote what is not proven, and say why on the record
"""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import Field

from runner.commands import _promotion
from runner.commands._arguments import arguments
from runner.config.schema import Name, Strict
from runner.decide.configuration import arguments as arguments_of
from runner.decide.promote.promote import chosen
from runner.errors import ConfigError
from runner.record.files import write_text


class PromoteSettings(Strict):
    candidate: str
    mapping: str = Field("default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*$")
    task: Name | None = None
    canary: int = Field(10, ge=1)
    unproven: bool = False
    reason: str | None = Field(None, min_length=1)


def main(argv: Sequence[str], today: date | None = None) -> int:
    given = arguments("promote", __doc__, argv, words=1, keys=PromoteSettings)
    [named], settings = given.words, given.settings(PromoteSettings)
    if re.fullmatch(r"[\w.-]+(,[\w.-]+)+", settings.candidate):
        raise ConfigError(f"candidate={settings.candidate}: one candidate at a time is promoted")
    if settings.unproven != (settings.reason is not None):
        raise ConfigError('unproven: goes with a reason: unproven=true reason="…"')
    own = given.own
    _promotion.home(own)  # refused before anything is looked at
    found = chosen(Path(named), settings.candidate, settings.task)
    _decide(_promotion.objected(found, own), settings)
    record, changes = _promotion.changes(
        found, settings.mapping, own, settings.reason, settings.canary, today or date.today()
    )
    for path, text in changes.items():
        shown = _promotion.diff(path, text)
        write_text(path, text)
        print(shown)
    if found.not_kept:
        kept = " ".join(arguments_of(found.not_kept))
        print(f"A mapping does not keep {kept}: say it where it is to hold.")
    drift = f"task={record.task} mapping={record.mapping}"
    if given.config_dir:
        drift += f" --config-dir {given.config_dir}"
    print(
        f"Commit these two files; review by {record.review_by} ({record.review_because}).\n"
        f"Does it still hold? python -m runner drift {drift}"
    )
    return 0


def _decide(against: Sequence[str], settings: PromoteSettings) -> None:
    """Raises ConfigError where something speaks against it that nobody overrules."""
    if against and not settings.unproven:
        raise ConfigError(
            *(f"candidate: {objection}" for objection in against),
            'to promote it all the same, say unproven=true reason="…"',
        )
    if settings.unproven and not against:
        raise ConfigError("unproven: nothing speaks against it; leave unproven and reason out")
