"""What a mapping sets besides a task's model, and who says otherwise."""

from pathlib import Path

import pytest

from runner.config import loading
from runner.config.catalogue import compose_config
from runner.config.schema import Job
from runner.errors import ConfigError

MAPPING = """
defaults:
  - /model@reasoning: gpt-6-luna
  - /model@extraction: gpt-6-luna
  - /prompt@overrides.reasoning.prompt: mine
overrides:
  reasoning: {task.sampling.reasoning_effort: high, model.max_output_tokens: 999, seed: 7}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for group, text in {
        "mapping": MAPPING,
        "prompt": "# @package task\nprompt_name: mine\nsystem: Solve it.\n",
    }.items():
        (tmp_path / group).mkdir()
        (tmp_path / group / "mine.yaml").write_text(text)
    return tmp_path


def composed(own: Path, *overrides: str) -> Job:
    given = ["mapping=mine", *overrides]
    return loading.load(compose_config("config", given, own), given)


def test_it_comes_with_the_model(own: Path) -> None:
    """Effort, prompt, the model's own keys and the seed are as the mapping says, for its task."""
    job = composed(own, "task=reasoning")
    assert job.task.sampling.reasoning_effort == "high"
    assert (job.task.prompt_name, job.task.system) == ("mine", "Solve it.")
    assert (job.model.name, job.seed) == ("gpt-6-luna", 7)
    assert job.model.model_dump()["max_output_tokens"] == 999
    other = composed(own, "task=extraction")
    assert (other.task.sampling.reasoning_effort, other.task.prompt_name) == ("lowest", None)


def test_the_command_line_wins(own: Path) -> None:
    """A key that is given is as it was given, null too; a prompt that is given hides the other."""
    job = composed(own, "task=reasoning", "task.sampling.reasoning_effort=null", "seed=1")
    assert (job.task.sampling.reasoning_effort, job.seed) == (None, 1)
    assert job.task.prompt_name == "mine"
    job = composed(own, "task=reasoning", "prompt=zero_shot", "task.sampling.max_tokens=9")
    assert (job.task.prompt_name, job.task.sampling.reasoning_effort) == ("zero_shot", "high")
    assert job.task.system != "Solve it."


def test_another_model_brings_nothing(own: Path) -> None:
    """What was promoted with one model is not asked of another."""
    job = composed(own, "task=reasoning", "model=gpt-6-luna")
    assert (job.task.sampling.reasoning_effort, job.task.prompt_name) == (None, None)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("task.sampling.efort", "task.sampling.efort: no such key"),
        ("limit", "a mapping sets task, model, seed"),
    ],
)
def test_a_key_that_there_is_not(own: Path, key: str, said: str) -> None:
    """It is refused with the place where it stands."""
    file = own / "mapping" / "mine.yaml"
    file.write_text(MAPPING.replace("task.sampling.reasoning_effort", key))
    with pytest.raises(ConfigError, match=rf"mapping\.overrides\.reasoning\.{key}: {said}"):
        composed(own, "task=reasoning")
