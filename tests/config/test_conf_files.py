"""A user's own files: they may start from ours, and what is wrong with one names it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config.catalogue import compose_config
from runner.errors import ConfigError

Own = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Own:
    """`own({"model/haiku": text})` is a config directory with these files."""

    def write(files: dict[str, str | bytes]) -> Path:
        for name, text in files.items():
            file = tmp_path / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write


STARTS = [
    "/model/haiku@_here_",
    "haiku@_here_",
    "haiku",
    "/model@_here_: haiku",
    "/model/haiku.yaml@_here_",
]


@pytest.mark.parametrize("start", STARTS)
def test_a_file_starts_from_ours_of_its_name(own: Own, start: str) -> None:
    """A user's model/haiku.yaml changes a key of ours and keeps the rest, however it says so."""
    conf = own({"model/haiku": f"defaults: [{start}, _self_]\ncontext_tokens: 77\n"})
    found = compose_config("config", ["model=haiku"], conf).model
    assert (found.name, found.context_tokens) == ("haiku", 77)
    assert found.provider.name == "anthropic"


@pytest.mark.parametrize("start", ["/config", "config@_here_", "config"])
def test_so_does_a_config(own: Own, start: str) -> None:
    """A user's config.yaml changes a key of ours, and choices still choose."""
    conf = own({"config": f"defaults: [{start}, _self_]\nconcurrency: 3\n"})
    found = compose_config("config", ["task=reasoning"], conf)
    assert (found.concurrency, found.task.name) == (3, "reasoning")


HAIKU = "model/haiku.yaml"
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "tab": ("a: 1\nb:\n\tc: 2\n", f"{HAIKU}:3: is not YAML: found character '\\t'"),
    "open bracket": ("a: [\n", f"{HAIKU}:2: is not YAML"),
    "twice": ("a: 1\nb: 2\na: 3\n", f"{HAIKU}:3: is not YAML: found duplicate key a"),
    "two documents": ("a: 1\n---\nb: 2\n", f"{HAIKU}:2: is not YAML"),
    "a tag": ("a: !!python/object:os.x {}\n", f"{HAIKU}:1: is not YAML"),
    "NUL": ("a: \0\n", f"{HAIKU}: is not YAML"),
    "latin 1": (b"a: 1\nb: caf\xe9\n", f"{HAIKU}:2: is not UTF-8"),
    "a list": ("- a\n", f"{HAIKU}: holds no keys"),
    "a number": ("3\n", f"{HAIKU}: holds no keys"),
    "alias of itself": ("a: &x [*x]\n", f"{HAIKU}: an alias in it leads back"),
    "null key": ("null: 1\n", f"{HAIKU}: can't be read"),
    "header": ("# @package a b\n", f"{HAIKU}: can't be read"),
    "open interpolation": ("a: ${b\n", f"{HAIKU}: can't be read"),
    "defaults no list": ("defaults: x\n", f"{HAIKU}: defaults: is no list; write - /group: option"),
    "defaults empty": ("defaults:\n", f"{HAIKU}: defaults: is no list"),
    "a list within": ("defaults: [[a]]\n", f"{HAIKU}: defaults: ['a'] is no entry"),
    "two keys": ("defaults: [{/a: b, /c: d}]\n", f"{HAIKU}: defaults: {{'/a': 'b'"),
    "a number chosen": ("defaults: [/provider: 1]\n", f"{HAIKU}: defaults: {{'/provider': 1}}"),
    "self elsewhere": ("defaults: [_self_@x]\n", f"{HAIKU}: defaults: _self_@x is no entry"),
    "self twice": ("defaults: [_self_, _self_]\n", f"{HAIKU}: defaults: _self_ stands there twice"),
    "no file": ("defaults: [/base/modle@_here_]\n", f"{HAIKU}: defaults: there is no file base/mo"),
    "no option": ("defaults: [/provider: antropic]\n", "did you mean 'anthropic'"),
    "no choice": ("defaults: [/provider: '${x}']\n", "defaults: ${x} is the choice of no group"),
    "no override": (
        "defaults: [override /provider: x]\n",
        f"{HAIKU}: defaults: there is no provid",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file(own: Own, name: str) -> None:
    """A mistake in a user's file is one line with the file, and its line where there is one."""
    text, expected = BROKEN[name]
    with pytest.raises(ConfigError) as refused:
        compose_config("config", ["model=haiku"], own({"model/haiku": text}))
    [problem] = refused.value.problems
    assert expected in problem
    assert not [word for word in ("hydra", "omegaconf", "DictConfig", "\n") if word in problem]


def test_a_circle(own: Own) -> None:
    """Files that start from each other are named in their order."""
    conf = own(
        {"model/haiku": "defaults: [/model/b@_here_]", "model/b": "defaults: [haiku@_here_]"}
    )
    with pytest.raises(ConfigError, match=r"haiku\.yaml → model/b\.yaml → model/haiku\.yaml"):
        compose_config("config", ["model=haiku"], conf)


def test_a_file_of_no_other_name(own: Own) -> None:
    """A file of the user's alone can't start from itself, and is named."""
    conf = own({"model/mine": "defaults: [/model/mine@_here_]"})
    with pytest.raises(ConfigError, match=r"mine\.yaml: defaults: /model/mine is this very file"):
        compose_config("config", ["model=mine"], conf)


def test_a_directory_with_the_name_of_a_file(own: Own) -> None:
    """A directory called x.yaml is no option, and hides none."""
    conf = own({"model/haiku.yaml/x": "a: 1"})
    assert compose_config("config", ["model=haiku"], conf).model.name == "haiku"


def test_an_empty_file(own: Own) -> None:
    """An empty file is an option without keys, and says what is missing only where it is used."""
    conf = own({"retry/mine": ""})
    assert compose_config("config", ["model=haiku"], conf).retry.name == "default"
