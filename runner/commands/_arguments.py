"""What a command is given: flags, words and overrides, and what they compose.

All take `key=value`, `--config-dir` and `--cfg job` here, and refuse in the same words. Hydra's own
application runs only where it has to: for the sweeps of `eval`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf, open_dict
from pydantic import BaseModel

from runner.commands.command_line import parse
from runner.config import loading, override_grammar, paths, yaml_text
from runner.config.catalogue import Options
from runner.config.redact import learn, redact
from runner.config.schema import Single, Strict
from runner.config.terminal import for_stdout
from runner.config.validation import Typed, unknown_key, validated
from runner.errors import ConfigError, did_you_mean


@dataclass(frozen=True)
class Arguments:
    """What stood behind the name of a command."""

    command: str
    words: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    config_dir: str | None = None  # as it was given
    show: bool = False  # --cfg: print the composed config and do nothing else
    multirun: bool = False  # -m: of eval alone

    @property
    def own(self) -> Path | None:
        """The user's own config directory, absolute."""
        return paths.config_dir(self.config_dir)

    @contextmanager
    def conf(self) -> "Iterator[Conf]":
        options = Options([folder for folder in (self.own, paths.builtin("conf")) if folder])
        with options.open():
            yield Conf(self, options)

    def settings(self, kind: type[Typed]) -> Typed:
        """The overrides alone, typed: for commands that compose no config. Raises ConfigError."""
        given: dict[str, str | None] = {}
        for override in self.overrides:
            key, _, value = override.partition("=")
            if key in given:
                raise ConfigError(f"{key}: is given twice")
            given[key] = None if value == "null" else value
        return validated(kind, given)

    def job(self, kind: type[Typed]) -> Typed:
        """conf/<command>.yaml as a job of one decision. Raises ConfigError."""
        return validated(kind, self.plain(kind))

    def plain(self, kind: type[Typed]) -> dict[str, object]:
        """The same as plain data, the mapping's model filled in. Raises ConfigError."""
        for override in self.overrides:
            if override.partition("=")[0].lstrip("+") in ("sweep", "hydra.mode"):
                raise ConfigError(f"{self.command}: {_ONE}; leave the sweep out")
        with self.conf() as config:
            return config.plain(config.compose(kind, hydra=True))


_ONE = "takes one decision at a time"


class NoKeys(Strict):
    """Of a command that takes no `key=value`."""


def arguments(
    command: str,
    description: str | None,
    argv: Sequence[str],
    *,
    words: int = 0,
    keys: type[BaseModel] | None = None,
    texts: Sequence[str] = (),
    bare: bool = True,
) -> Arguments:
    """The arguments of a command that takes so many words besides `key=value`.

    `keys` are those of a command that composes no config; what they hold is taken as it stands, as
    are the values of `texts`. With fewer words, or where it does nothing `bare`, a command says how
    it is used. Raises ConfigError.
    """
    found = parse(command, description, argv)
    own = paths.config_dir(found.config_dir)
    learn([own, paths.builtin("conf")], found.given)
    if keys and found.cfg:
        raise ConfigError(f"{command}: composes no config; leave --cfg out")
    plain = [each for each in found.given if not _is_override(each, paths=bool(words))]
    overrides = [
        override_grammar.literal(*_split(each)) if _split(each)[0] in texts else each
        for each in found.given
        if each not in plain
    ]
    for override in overrides:
        if keys is NoKeys:
            raise ConfigError(f"{override}: {command} takes no key=value{_as(description)}")
        override_grammar.refuse(override, own, as_text=keys is not None)
        if keys and (problem := unknown_key(keys, _split(override)[0])):
            raise ConfigError(problem)
    if len(plain) > words:
        word = plain[words] or "an empty argument"
        what = "is a word too much" if keys is NoKeys else "is no override; write key=value"
        raise ConfigError(f"{word}: {what}{_as(description) if keys is NoKeys else ''}")
    if len(plain) < words or not (bare or overrides or found.cfg):
        raise ConfigError(
            f"{command}: is used{_as(description)}; python -m runner {command} --help says more"
        )
    overrides = [*_own_task(command, own, overrides), *overrides]
    return Arguments(command, plain, overrides, found.config_dir, found.cfg, found.multirun)


_ON_A_TASK = {"eval", "run", "serve", "drill", "drift", "checklist"}


def _own_task(command: str, own: Path | None, overrides: Sequence[str]) -> list[str]:
    """In a project of one's own its task is meant, where none is named. Raises ConfigError."""
    given = {key.lstrip("+~").partition("@")[0]: value for key, value in map(_split, overrides)}
    if command not in _ON_A_TASK or own is None or given.keys() & {"task", "tasks"}:
        return []
    mine, known = paths.options([own]), paths.options([own, paths.builtin("conf")])
    tasks = list(mine.get("task", {}))
    starts = {"config", command} & mine.get("", {}).keys()  # which may choose one
    chosen = [
        known[group].get(option)
        for group in ("sweep", "experiment")
        for option in given.get(group, "").split(",")
    ]
    if starts or not tasks or any(file and _names_a_task(file) for file in chosen):
        return []
    if len(tasks) > 1:
        raise ConfigError(f"task: say which is meant: task={', task='.join(tasks)}")
    return [f"task={tasks[0]}"]


def _names_a_task(file: Path) -> bool:
    """Whether a sweep or an experiment says on which task it is. Raises ConfigError."""
    found = yaml_text.load(file)
    if not isinstance(found, dict):
        return False
    defaults = found.get("defaults")
    entries = defaults if isinstance(defaults, list) else []
    keys = [str(next(iter(each), "") if isinstance(each, dict) else each) for each in entries]
    at: Any = found
    for part in ("hydra", "sweeper", "params"):
        at = at.get(part) if isinstance(at, dict) else None
    swept = isinstance(at, dict) and "task" in at
    return swept or any(re.search(r"(^|[/ ])task($|[/@])", key) for key in keys)


def _is_override(text: str, *, paths: bool) -> bool:
    """Where words are paths, `outputs/a=b` is one: no key of ours has a slash but Hydra's own."""
    key, equals, _ = text.partition("=")
    if paths and "/" in key.replace("hydra/", ""):
        return False
    return text.startswith("~") or bool(equals)


def _split(override: str) -> tuple[str, str]:
    key, _, value = override.partition("=")
    return key, value


def _as(description: str | None) -> str:
    """How a command is used: the first example of its description."""
    lines = [line.strip() for line in (description or "").splitlines()]
    example = next((line for line in lines if line.startswith("python -m runner")), "")
    return f", as in: {example}" if example else ""


class Conf:
    """conf/, the user's own first, as one command sees it."""

    def __init__(self, given: Arguments, options: Options) -> None:
        self.given = given
        self.options = options

    def compose(self, kind: type[Typed], *overrides: str, hydra: bool = False) -> DictConfig:
        """conf/<command>.yaml with all overrides; printed, and no more, where --cfg asks for it.

        What `eval` starts from is conf/config.yaml.

        Raises ConfigError.
        """
        sweeps = self.given.command == "eval"
        composed = self.options.compose(
            *overrides,
            *self.given.overrides,
            config="config" if sweeps else self.given.command,
            kind=kind,
            hydra=hydra,
            sweeps=sweeps,
        )
        if self.given.show:
            shown = OmegaConf.masked_copy(
                composed, [str(key) for key in composed if key != "hydra"]
            )
            print(redact(for_stdout(OmegaConf.to_yaml(shown))), end="")
            raise SystemExit(0)
        return composed

    def only(self, overrides: list[str]) -> "Conf":
        """The same, given these overrides and no others."""
        return Conf(replace(self.given, overrides=overrides), self.options)

    def plain(self, composed: DictConfig) -> dict[str, object]:
        """What was composed with Hydra's own part, less that, and the mapping's model filled in.

        Raises ConfigError.
        """
        HydraConfig.instance().set_config(composed)  # for ${hydra:…}: whose choice it was
        with open_dict(composed):
            del composed["hydra"]
        return loading.plain(composed, self.given.overrides)

    def settings(self, kind: type[Typed], overrides: Sequence[str] | None = None) -> Typed:
        """conf/<command>.yaml with its scenario and `overrides`, or else those given, typed.

        `scenario=x` is short for `scenario=<command>/x`. Raises ConfigError.
        """
        wanted = self.given.overrides if overrides is None else overrides
        full = [self._full(kind, override) for override in wanted]
        return validated(kind, loading.resolved(self.only(full).compose(kind)))

    def models(self, names: Iterable[str], at: str) -> dict[str, Single]:
        """Single models by their option. Raises ConfigError naming the key, `at`, that asks."""
        return {name: self._model(name, at) for name in names}

    def has_model(self, name: str) -> bool:
        return name in self.options.files["model"]

    def catalogue(self, *, folders: bool = False) -> dict[str, Single]:
        """Every single model but those in a folder, which keeps an old table."""
        found = {}
        for name, node in self.options.nodes("model", self.options.files["model"]):
            if isinstance(node, ConfigError):
                raise node
            if ("/" not in name or folders) and _single(node):
                found[name] = validated(Single, loading.resolved(node), f"model={name}: ")
        return found

    def _full(self, kind: type[Typed], override: str) -> str:
        key, _, value = override.partition("=")
        if key == "scenario":
            return f"scenario={self._scenario(value)}"
        if problem := unknown_key(kind, key.lstrip("+")):
            raise ConfigError(problem)
        return override

    def _scenario(self, name: str) -> str:
        mine = f"{self.given.command}/"
        name = name.removeprefix(mine)
        known = [
            option.removeprefix(mine)
            for option in self.options.files.get("scenario", {})
            if option.startswith(mine)
        ]
        if name not in known:
            raise ConfigError(f"scenario={name}: no such scenario{did_you_mean(name, known)}")
        return mine + name

    def _model(self, name: str, at: str) -> Single:
        known = self.options.files["model"]
        if name not in known:
            raise ConfigError(f"{at}: no model '{name}'{did_you_mean(name, known)}")
        node = self.options.compose(f"+model={name}", config=None).model
        if not _single(node):
            raise ConfigError(f"{at}: {name} is made of models, which have prices; name those")
        return validated(Single, loading.resolved(node), f"model={name}: ")


def as_it_is(overrides: Sequence[str], *keys: str) -> bool:
    """Whether nothing but `keys` is changed: what a scenario quotes holds for itself alone."""
    kept = {"scenario", "format", "to", *keys}
    return all(override.partition("=")[0] in kept for override in overrides)


def _single(node: DictConfig) -> bool:
    return bool(node.get("kind") == "single")
