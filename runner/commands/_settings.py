"""What commands with a config of their own take from conf/: their settings, and models by name."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from omegaconf import DictConfig

from runner.config import door, paths
from runner.config.catalogue import Options
from runner.config.schema import Single
from runner.config.validation import Typed, unknown_key, validated
from runner.errors import ConfigError, did_you_mean


class Conf:
    """conf/, the user's own first, as one command sees it."""

    def __init__(self, command: str, options: Options) -> None:
        self.command = command
        self._options = options

    def settings(self, kind: type[Typed], overrides: Sequence[str]) -> Typed:
        """conf/<command>.yaml with its scenario and `overrides`, typed.

        `scenario=x` is short for `scenario=<command>/x`. Raises ConfigError.
        """
        full = [self._full(kind, override) for override in overrides]
        return validated(
            kind, door.resolved(self._options.compose(*full, config=self.command, kind=kind))
        )

    def models(self, names: Iterable[str], at: str) -> dict[str, Single]:
        """Single models by their option. Raises ConfigError naming the key, `at`, that asks."""
        return {name: self._model(name, at) for name in names}

    def has_model(self, name: str) -> bool:
        return name in self._options.files["model"]

    def catalogue(self) -> dict[str, Single]:
        """Every single model but those in a folder, which keeps an old table."""
        found = {}
        for name, node in self._options.nodes("model"):
            if isinstance(node, ConfigError):
                raise node
            if "/" not in name and _single(node):
                found[name] = validated(Single, door.resolved(node), f"model={name}: ")
        return found

    def _full(self, kind: type[Typed], override: str) -> str:
        key, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"{override}: is no override; write key=value")
        if key == "scenario":
            return f"scenario={self._scenario(value)}"
        if problem := unknown_key(kind, key.lstrip("+")):
            raise ConfigError(problem)
        return override

    def _scenario(self, name: str) -> str:
        mine = f"{self.command}/"
        name = name.removeprefix(mine)
        known = [
            option.removeprefix(mine)
            for option in self._options.files.get("scenario", {})
            if option.startswith(mine)
        ]
        if name not in known:
            raise ConfigError(f"scenario={name}: no such scenario{did_you_mean(name, known)}")
        return mine + name

    def _model(self, name: str, at: str) -> Single:
        known = self._options.files["model"]
        if name not in known:
            raise ConfigError(f"{at}: no model '{name}'{did_you_mean(name, known)}")
        node = self._options.compose(f"+model={name}", config=None).model
        if not _single(node):
            raise ConfigError(f"{at}: {name} is made of models, which have prices; name those")
        return validated(Single, door.resolved(node), f"model={name}: ")


@contextmanager
def conf(
    command: str, parser: ArgumentParser, argv: Sequence[str]
) -> Iterator[tuple[Conf, list[str]]]:
    """The command's view of conf/, and the overrides among its arguments."""
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("--config-dir", "-cd", help="your own options, which come before ours")
    arguments = parser.parse_intermixed_args(argv)
    own = paths.config_dir(arguments.config_dir)
    options = Options([folder for folder in (own, paths.builtin("conf")) if folder])
    with options.open():
        yield Conf(command, options), arguments.overrides


def as_it_is(overrides: Sequence[str], *keys: str) -> bool:
    """Whether nothing but `keys` is changed: what a scenario quotes holds for itself alone."""
    kept = {"scenario", "format", "to", *keys}
    return all(override.partition("=")[0] in kept for override in overrides)


def _single(node: DictConfig) -> bool:
    return bool(node.get("kind") == "single")
