"""The files of a project of one's own, as `init` and `import` write them; none is written over."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import jinja2
import yaml
from omegaconf import OmegaConf
from pydantic import AfterValidator, Field

from runner.config import paths
from runner.config.catalogue import Options
from runner.config.override_grammar import is_text
from runner.decide.promote.mapping_file import switched
from runner.errors import ConfigError, StorageError
from runner.production.serving import on_loopback
from runner.record.files import write_text

MAPPING = "conf/mapping/default.yaml"
# What a template can say beside a draft of cases, and need not.
NOTHING_MORE: Mapping[str, Any] = {
    "head": [],
    "fenced": True,
    "sampling": {"max_tokens": 4096},
    "requirements": {},
    "prompts": [],
    "unpinned": False,
    "key_env": None,
}


def named(stem: str) -> str:
    found = re.sub(r"[^a-z0-9_-]+", "_", stem.lower()).strip("_-") or "mine"
    return found if is_text(found) else f"my_{found}"


def _name(value: str) -> str:
    if not is_text(value):
        raise ValueError(f"'{value}' is a word of YAML or Hydra: choose another name")
    return value


TaskName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$"), AfterValidator(_name)]


def write(home: Path, files: Mapping[str, str], *tasks: str) -> None:
    """Write what is not there yet, and say what became of each; a mapping gets lines for `tasks`.

    Raises ConfigError.
    """
    for name, text in files.items():
        file, said = home / name, "written"
        if name == MAPPING and file.exists():
            said, edited = "changed", file.read_text(encoding="utf-8")
            for task in tasks:
                edited = switched(edited, task, yaml.safe_load(text)[task], file)
            write_text(file, edited)
        elif file.exists():
            said = "kept"
        else:
            try:
                write_text(file, text)
            except StorageError as error:  # a place that was named, and is none
                raise ConfigError(str(error)) from None
        print(f"{said:7}  {file}")


def keys(models: Sequence[str]) -> list[str]:
    """The variables with the keys of those of our models that are candidates."""
    conf = Options([paths.builtin("conf")])
    ours = [name for name in models if name in conf.files["model"]]
    with conf.open():
        nodes = [conf.compose(f"+model={name}", config=None).model for name in ours]
    texts = [OmegaConf.to_yaml(node) for node in nodes]  # of a router, those of all its arms
    return sorted(
        {key for text in texts for key in re.findall(r"api_key_env: (\w+)", text)} - {"null"}
    )


def data_at(address: str | None) -> str:
    """Where the text goes that a server is sent, as far as its address tells."""
    here = on_loopback(urlsplit(address or "").hostname or "")
    return "on_device" if here else "third_party"


def around(about: Mapping[str, Any]) -> dict[str, str]:
    """The files of a project that belong to no group and no case."""
    return {
        ".gitignore": rendered("gitignore", about),
        ".github/workflows/model-decision.yml": rendered("workflow.yml", about),
        ".github/workflows/model-watch.yml": rendered("watch.yml", about),
        "README.md": rendered("README.md", about),
    }


def line(case: Mapping[str, Any]) -> str:
    return json.dumps(case, ensure_ascii=False) + "\n"


def rendered(name: str, about: Mapping[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "_init"),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,
    )
    environment.filters["yaml"] = lambda value: _yaml(value, None)
    environment.filters["inline"] = lambda value: _yaml(value, True)
    environment.filters["block"] = lambda text: _yaml(_Block(text), False)
    return environment.get_template(name).render(about)


class _Block(str):
    """A text that is written line by line, where YAML can."""


class _Dumper(yaml.SafeDumper):
    pass


def _text(to: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = isinstance(text, _Block) or "\n" in text
    return to.represent_scalar("tag:yaml.org,2002:str", str(text), style="|" if block else None)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Block, _text)


def _yaml(value: Any, flow: bool | None) -> str:
    """As it stands in a file of conf/: a `${` in it is no interpolation."""
    if flow is None and _has_lines(value):
        flow = False
    text: str = yaml.dump(
        _literal(value),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=10**6,
        default_flow_style=flow,
    )
    return text.removesuffix("...\n").rstrip("\n")


def _has_lines(value: Any) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return any(map(_has_lines, inner))
    return isinstance(value, str) and "\n" in value


def _literal(value: Any) -> Any:
    if isinstance(value, str):
        return type(value)(re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + r"\${", value))
    if isinstance(value, list):
        return [_literal(each) for each in value]
    if isinstance(value, dict):
        return {key: _literal(each) for key, each in value.items()}
    return value
