"""Cases that are mended can be asked as they could be before."""

import json
from pathlib import Path

import pytest

from runner.cases import cases
from runner.cases.notes import Notes
from runner.errors import ConfigError

PIXEL = b"\x89PNG\r\n\x1a\n rest"
IMAGE = {"type": "image", "path": "dot.png"}
ASKED = [
    {"id": "a", "input": "what?", "images": ["dot.png"], "expected": "x"},
    {"id": "b", "messages": [{"role": "user", "content": [IMAGE]}], "expected": "x"},
    {"id": "c", "turns": [{"input": "what?", "images": ["dot.png"], "expected": "x"}]},
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/dot.png").write_bytes(PIXEL)
    source = tmp_path / "there/cases.jsonl"
    source.write_text("".join(json.dumps(case) + "\n" for case in ASKED))
    (tmp_path / "notes.jsonl").write_text('{"case": "a", "expected": "y"}\n')
    return source


def test_images_are_found(tmp_path: Path, source: Path) -> None:
    """Wherever the mended file lies, images beside the old one are found, in messages as well."""
    notes = Notes.read(tmp_path / "notes.jsonl")
    assert list(notes.mend("any", source, tmp_path / "mended.jsonl")) == ["a"]
    before, now = (list(cases.read(path)) for path in (source, tmp_path / "mended.jsonl"))
    assert now[0].expected == "y"
    assert now[1:] == before[1:]


def test_an_image_that_is_gone(tmp_path: Path, source: Path) -> None:
    """It is a line that names its case; where nothing is to be mended, it is not looked for."""
    (tmp_path / "there/dot.png").unlink()
    assert Notes().mend("any", source, tmp_path / "mended.jsonl") == {}
    with pytest.raises(ConfigError, match=r"cases.jsonl:1: .*dot.png"):
        Notes.read(tmp_path / "notes.jsonl").mend("any", source, tmp_path / "mended.jsonl")
