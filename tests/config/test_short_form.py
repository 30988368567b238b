"""A file of conf/ names what is its own; the rest is there for it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from runner.config import loading, paths
from runner.config.catalogue import compose_config
from runner.config.schema import Job, Provider, Single, Task
from runner.errors import ConfigError

FILES = {
    "model/mine.yaml": "id: claude-haiku-5-5\nprovider: anthropic\ncontext_tokens: 9000",
    "model/seed/other.yaml": "id: claude-haiku-5-5\nprovider: anthropic\ncontext_tokens: 9000",
    "model/ours.yaml": "defaults: [/model/haiku@_here_, _self_]\nretires: 2030-01-01",
    "model/routed.yaml": "kind: router\nrules: [{arm: b, min_chars: 10}]\notherwise: a\n"
    "arms: {a: mine, b: sonnet}",
    "model/asked.yaml": "kind: router\nclassifier: mine\notherwise: a\narms: {a: mine, b: sonnet}",
    "fallback/spare.yaml": "chain: {first: mine}\n'on': [timeout]",
    "provider/own.yaml": "litellm: openai\napi_base: http://127.0.0.1:9/v1",
    "prompt/brief.yaml": "prompt: 'Be brief: {{ input }}'",
    "task/plain.yaml": "cases: plain/cases.jsonl\nscorers: {exact: {}}",
    "task/judged.yaml": "cases: plain/cases.jsonl\n"
    "scorers: {judge: {rubric: Is it so, model: sonnet}}",
    "requirements/judged.yaml": "max_latency_ms: 2000",
    "sweep/two.yaml": "hydra: {mode: MULTIRUN, sweeper: {params: {model: 'mine,haiku'}}}",
    "mapping/default.yaml": "plain: mine\noverrides: {plain: {prompt: brief, seed: 3}}",
}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "conf" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(*overrides: str) -> Job:
    return loading.load(compose_config("config", overrides, None), overrides)


def test_names_stand_for_files(own: Path) -> None:
    """A provider, a model, a classifier, an arm, a judge, a fallback and a prompt are named."""
    found = job("task=plain", "model=asked", "fallback=spare", "prompt=brief")
    assert {where: model.name for where, model in found.models.items()} == {
        "model.classifier": "mine",
        "model.arms.a": "mine",
        "model.arms.b": "sonnet",
        "fallback.chain.first": "mine",
    }
    assert found.task.prompt_name == "brief"
    assert {model.name for model in job("task=judged", "model=mine").judging.values()} == {"sonnet"}


def test_files_are_called_by_their_names(own: Path) -> None:
    """Who gives no name has that of the file, its folder before it."""
    found = job("task=plain", "model=seed/other")
    assert (found.task.name, found.model.name) == ("plain", "seed-other")


def test_a_file_that_starts_from_another(own: Path) -> None:
    """What is its own wins, the name too."""
    model = job("task=plain", "model=ours").model
    assert isinstance(model, Single)
    assert (model.name, model.id, str(model.retires)) == ("ours", "claude-haiku-5-5", "2030-01-01")


def test_a_key_that_no_file_names_can_be_overridden(own: Path) -> None:
    """Below a short file lies one with every key of its kind."""
    found = job(
        "task=plain", "model=mine", "model.allow_unpinned=true", "model.provider.rpm=5",
        "task.sampling.max_tokens=7", "requirements.max_latency_ms=100",
    )  # fmt: skip
    assert isinstance(found.model, Single)
    assert (found.model.allow_unpinned, found.model.provider.rpm) == (True, 5)
    assert (found.task.sampling.max_tokens, found.requirements.max_latency_ms) == (7, 100)


def test_cases_beside_their_task(own: Path) -> None:
    """A file of cases is found beside the YAML that names it."""
    (own / "conf/task/plain").mkdir()
    (own / "conf/task/plain/cases.jsonl").write_text('{"id": "a", "input": "b"}')
    assert job("task=plain").task.cases == "conf/task/plain/cases.jsonl"


def test_thresholds(own: Path) -> None:
    """A task has those of its name, else those of base."""
    assert job("task=judged", "model=mine").requirements.max_latency_ms == 2000
    assert job("task=plain", "model=mine").requirements == job("requirements=base").requirements


def test_a_mapping_of_names(own: Path) -> None:
    """It answers its task, as it says, and the others as ours of that name does."""
    found = job("task=plain")
    assert (found.model.name, found.task.prompt_name, found.seed) == ("mine", "brief", 3)
    assert job().model.name == "local"


@pytest.mark.parametrize("variable", [True, False])
def test_conf_is_found(own: Path, monkeypatch: pytest.MonkeyPatch, variable: bool) -> None:
    """In the working directory, or where RUNNER_CONFIG_DIR says."""
    if variable:
        monkeypatch.setenv("RUNNER_CONFIG_DIR", str(own / "conf"))
        monkeypatch.chdir(own.parent)
    assert paths.config_dir(None) == own / "conf"
    assert job("task=plain").model.name == "mine"


def test_a_conf_of_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of that name which holds none of our groups is left alone."""
    (tmp_path / "conf" / "nginx").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert paths.config_dir(None) is None


PROVIDER = {"name": "p", "litellm": "openai", "api_base": "http://127.0.0.1:9/v1"}
NEEDED: dict[str, tuple[type[BaseModel], dict[str, Any]]] = {
    "base/provider": (Provider, PROVIDER),
    "base/model": (
        Single,
        {"kind": "single", "name": "m", "id": "x", "context_tokens": 9, "provider": PROVIDER},
    ),
    "base/task": (Task, {"name": "t", "cases": "c.jsonl", "scorers": {"exact": {}}}),
}


@pytest.mark.parametrize("file", NEEDED)
def test_one_set_of_defaults(file: str) -> None:
    """What base/ says of a key is what the schema has where nothing is said."""
    kind, needed = NEEDED[file]
    base = yaml.safe_load((paths.builtin("conf") / f"{file}.yaml").read_text())
    assert kind.model_validate(base | needed) == kind.model_validate(needed)
    assert not {key for key in kind.model_fields if key not in base} - {"provider", "prices"}


def test_a_mapping_is_read_for_its_task(own: Path) -> None:
    """A task is answered as the whole mapping says, whatever else that names, or names wrongly."""
    mapping = own / "conf/mapping/default.yaml"
    whole = {task: job(f"task={task}") for task in ("plain", "extraction")}
    mapping.write_text("judged: nowhere\n" + mapping.read_text())
    for task, before in whole.items():
        assert job(f"task={task}") == before
    assert whole["plain"].seed == 3 and whole["plain"].task.prompt_name == "brief"
    with pytest.raises(ConfigError, match="nowhere"):
        job("task=judged")
