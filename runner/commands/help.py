"""The help page: what can be said, from the files that are there."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill

from runner.commands.command_line import COMMANDS, parse, parser
from runner.config import paths
from runner.errors import ConfigError

_PAGE = """\
runner: choose, ship and keep the right language model.

  python -m runner                                     measure the embedded model, no key needed
  python -m runner task=extraction model=haiku         another task or model, once its key is set
  python -m runner -m model=haiku,mistral-small,local  a sweep: which candidate meets the bounds?
  python -m runner task=extraction task.cases=my.jsonl any key of the config is an override

Commands (the first bare word):
{commands}

Options (group=option; each is a file in conf/<group>/, and yours in --config-dir DIR/<group>/):
{groups}

Keys of a run (key=value):
  limit=5              only the first 5 cases        tags=[long]      only cases with this tag
  repeats=3            ask each case 3 times         concurrency=8    requests in flight
  seed=1               for providers that take one   gate=true        exit 3 on a miss
  reuse=outputs/runs/… replay that run's answers     outputs=DIR      where records are kept
  estimate=true        tokens and dollars, unsent    budget_usd=2     a hard cap
  stream=true          time first tokens             baseline=RUN     what is proven to have changed
  junit=ci/report.xml  what the gate says, for CI    gate=proven      … and on what is not proven
  verbose=true         every reason on the terminal

Flags: -m sweep · --config-dir DIR your own conf/ · --cfg job show the composed config
Exit codes: 0 done · 2 configuration, nothing was sent · 3 gate, promise or alert · 4 calls failed
            or budget spent · 130 interrupted
python -m runner <command> --help, and the head of conf/<command>.yaml, say more.
"""


def main(argv: Sequence[str]) -> int:
    if {"--help", "-h"} & set(argv):  # whatever else is said
        words = [word for word in argv if word not in ("--help", "-h")]
        given = parser("help", None).parse_known_intermixed_args(words)[0]
    else:
        given = parse("help", None, argv)
        if given.given or given.cfg:
            raise ConfigError(f"{given.given[0] if given.given else '--cfg'}: help takes a command")
    user = paths.config_dir(given.config_dir or None)
    folders = [folder for folder in (user, paths.builtin("conf")) if folder]
    print(
        _PAGE.format(
            commands="\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items()),
            groups="\n".join(_groups(folders)),
        ),
        end="",
    )
    return 0


def _groups(folders: list[Path]) -> Iterator[str]:
    for name, options in sorted(paths.options(folders).items()):
        if name in ("", "provider", "scenario"):  # chosen by a model, by a command
            continue
        shown = {_shown(name, option) for option in options}
        text = "  ".join(sorted(shown))
        first, rest = f"  {name + '=':<14}", " " * 16
        yield fill(text, 98, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)


def _shown(group: str, option: str) -> str:
    """A folder of models keeps an old table: who wants one of it looks there."""
    folder, slash, _ = option.rpartition("/")
    return f"{folder}/…" if slash and group == "model" else option
