"""A mapping is edited as a person would: one line, and nothing else."""

from pathlib import Path

import pytest
import yaml

from runner.config import paths
from runner.decide.promote import mapping_file
from runner.errors import ConfigError

WHERE = Path("mine.yaml")
TEXT = """# python -m runner mapping=mine
# a remark
defaults:
  - /model@one: a
  - /model@two: b   # why b
"""


def test_one_line_changes() -> None:
    """The model of the task is another, and its comment stays."""
    assert mapping_file.switched(TEXT, "two", "seed/c", WHERE) == TEXT.replace(
        "two: b", "two: seed/c"
    )


def test_the_same_again() -> None:
    """To promote what is there already changes nothing."""
    assert mapping_file.switched(TEXT, "one", "a", WHERE) == TEXT


def test_a_task_that_is_not_there() -> None:
    """It becomes the last of the list."""
    assert mapping_file.switched(TEXT, "three", "c", WHERE) == TEXT + "  - /model@three: c\n"


def test_without_a_last_newline() -> None:
    """A file that ends in its last entry is appended to on a line of its own."""
    edited = mapping_file.switched(TEXT.rstrip("\n"), "three", "c", WHERE)
    assert edited == TEXT + "  - /model@three: c"


def test_a_task_whose_name_is_part_of_another() -> None:
    """`code` is not `code_generation`."""
    text = "defaults:\n  - /model@code_generation: a\n"
    assert mapping_file.switched(text, "code", "b", WHERE) == text + "  - /model@code: b\n"


@pytest.mark.parametrize(
    "text",
    ["defaults: [/model@one: a]\n", "defaults: [\n", "- /model@one: a\n", "{one: a}\n", "one: 3\n"],
)
def test_what_can_not_be_edited(text: str) -> None:
    """A file of another form is refused with the line that it needs."""
    with pytest.raises(ConfigError, match=r"mine.yaml: write its \w+ as a .*one: b"):
        mapping_file.switched(text, "one", "b", WHERE)


@pytest.mark.parametrize("name", ["hosted", "default"])
def test_ours_can_be_edited(name: str) -> None:
    """Every task of the mappings that ship can be switched, and no other changes with it."""
    text = (paths.builtin("conf") / "mapping" / f"{name}.yaml").read_text()
    before = yaml.safe_load(text)["defaults"]
    for number, entry in enumerate(before):
        [key] = entry
        edited = mapping_file.switched(text, key.removeprefix("/model@"), "new", WHERE)
        after = yaml.safe_load(edited)["defaults"]
        assert after == [*before[:number], {key: "new"}, *before[number + 1 :]]


def test_a_new_one() -> None:
    """A mapping that was not there opens with the command that uses it."""
    text = mapping_file.new("mine", "one", "a")
    assert text.startswith("# python -m runner mapping=mine task=one ")
    assert yaml.safe_load(text) == {"one": "a"}


@pytest.mark.parametrize(
    "text", ["one: a  # why\n", "two: b\n", "", "overrides:\n  two: {seed: 1}\n"]
)
def test_lines_of_names(text: str) -> None:
    """A mapping without a list is a line a task, and what is set comes and goes."""
    before = yaml.safe_load(text) or {}
    edited = mapping_file.switched(text, "one", "c", WHERE, "terse", SETTINGS)
    settings = before.get("overrides", {}) | {"one": {"prompt": "terse", **SETTINGS}}
    assert yaml.safe_load(edited) == before | {"one": "c", "overrides": settings}
    plain = yaml.safe_load(mapping_file.switched(edited, "one", "d", WHERE))
    assert plain == before | {"one": "d"}
    assert ("# why" in edited) == ("# why" in text)


SETTINGS = {"task.sampling.reasoning_effort": "high", "seed": None}


@pytest.mark.parametrize(
    "text", [TEXT, TEXT.rstrip("\n"), TEXT + "overrides: # why\n  two: {seed: 1}\n"]
)
def test_settings_come_and_go(text: str) -> None:
    """They stand on a line of their own, beside those of other tasks; a plain model has none."""
    before = yaml.safe_load(text).get("overrides", {})
    edited = mapping_file.switched(text, "one", "a", WHERE, "terse", SETTINGS)
    tree = yaml.safe_load(edited)
    assert tree["overrides"] == before | {"one": SETTINGS}
    assert tree["defaults"][-1] == {"/prompt@overrides.one.prompt": "terse"}
    again = mapping_file.switched(edited, "one", "a", WHERE, "brief", {"seed": 2})
    assert yaml.safe_load(again)["overrides"] == before | {"one": {"seed": 2}}
    plain = mapping_file.switched(again, "one", "a", WHERE)
    assert plain.rstrip("\n") == text.rstrip("\n")


@pytest.mark.parametrize(
    "block",
    ["overrides: {one: {seed: 1}}\n", "overrides:\n  one:\n    seed: 1\n", "overrides: 3\n"],
)
def test_settings_that_can_not_be_edited(block: str) -> None:
    """A block of another form is refused with the line that it needs."""
    with pytest.raises(ConfigError, match=r"mine.yaml: write its overrides .* `one: {seed: 7}`"):
        mapping_file.switched(TEXT + block, "one", "a", WHERE, None, {"seed": 7})
