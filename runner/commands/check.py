"""Compose and check every file of conf/ and tasks/; nothing is sent.

    python -m runner check
    python -m runner check group=model        quickly: what ends soon, which facts are disputed
    python -m runner check all=true           the files that came with runner, beside your own
    python -m runner check compile=true       which requests litellm would have to send by itself
    python -m runner check --config-dir my_conf --verbose     what is expected, too

Every option of every group is composed and validated, every sweep's choices too; ids must be
pinned, prices dated and sourced, models in use alive; every case must parse, render and suit its
scorers. Facts of models are held against litellm's bundled map and, where it is installed,
against genai-prices; -v shows the differences that a file explains, too. With compile=true a
request to each model is compiled, whole and as a stream: litellm is asked what it would send, where
that is not known yet, and what it makes no request of is a problem; -v shows what is compiled.
Exit code 2 when there is a problem, so that a pre-commit hook can stand on it.
"""

from collections.abc import Sequence
from datetime import date

from runner.commands import _facts
from runner.commands._arguments import arguments
from runner.commands._check_files import check_files
from runner.config import paths
from runner.config.schema import Strict
from runner.config.terminal import clean
from runner.errors import CONFIG_EXIT
from runner.pipeline.progress import progress

# What notes are about, by the key that they start with.
_THEMES = {
    "retires": f"ends within {_facts.SOON.days} days",
    "price": "prices that change, or are old",
    "max_tokens": "little room to think",
    "reasoning": "thinking that nobody states",
    "compiled": "requests that litellm sends by itself",
    "": "notes",
}


class _Keys(Strict):
    group: str | None = None  # a folder of conf/; None: all
    all: bool = False  # what came with the program, too, where there is a conf/ of one's own
    compile: bool = False  # requests to all models


def main(argv: Sequence[str]) -> int:
    verbose = bool({"-v", "--verbose"} & set(argv))
    given = arguments(
        "check", __doc__, [each for each in argv if each not in ("-v", "--verbose")], keys=_Keys
    )
    settings = given.settings(_Keys)
    groups = [settings.group] if settings.group else []
    own = given.own
    config_dirs = [directory for directory in (own, paths.builtin("conf")) if directory]
    with progress() as bar:
        report = check_files(
            config_dirs,
            paths.tasks_dirs(),
            date.today(),
            groups,
            shipped=own is None or settings.all,
            compiles=settings.compile,
            done=bar("checking", None),
        )
    for line in report.problems:
        print(clean(line))
    for theme, lines in _themes(report.notes).items():
        print(f"{theme}:", *(f"  {clean(line)}" for line in lines), sep="\n")
    _facts.show(report.differences, known=verbose)
    for line in report.details if verbose else []:
        print(f"note: {line}")
    left = f"; all=true checks the {report.left} that came with runner, too" if report.left else ""
    yours = " of yours" if report.left else ""
    print(f"{report.checked} options{yours}, {len(report.problems)} problems{left}")
    return CONFIG_EXIT if report.problems else 0


def _themes(notes: Sequence[str]) -> dict[str, list[str]]:
    """Each note below what it is about."""
    found: dict[str, list[str]] = {}
    for note in notes:
        key = note.partition(": ")[2].partition(":")[0].partition(".")[0]
        found.setdefault(_THEMES.get(key, _THEMES[""]), []).append(note)
    return {theme: found[theme] for theme in _THEMES.values() if theme in found}
