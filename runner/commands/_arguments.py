"""Arguments of commands that compose no config: words, and settings as `key=value`."""

import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from runner.config.validation import Typed, validated
from runner.errors import ConfigError

_SETTING = re.compile(r"[a-z_]+=")


def words(
    kind: type[Typed], parser: ArgumentParser, argv: Sequence[str]
) -> tuple[Namespace, list[str], Typed]:
    """The options of the parser, the words, and the settings typed. Raises ConfigError."""
    parser.add_argument("words", nargs="*", metavar="word|key=value")
    arguments = parser.parse_intermixed_args(argv)
    given = [each for each in arguments.words if _SETTING.match(each)]
    settings: dict[str, str | None] = {}
    for setting in given:
        key, _, value = setting.partition("=")
        if key in settings:
            raise ConfigError(f"{key}: is given twice")
        settings[key] = None if value == "null" else value
    plain = [each for each in arguments.words if each not in given]
    return arguments, plain, validated(kind, settings)
