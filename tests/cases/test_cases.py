"""Cases as they are read and rendered; images above all."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from runner.cases import attachments, cases
from runner.cases import prompt as prompts
from runner.cases.cases import Case
from runner.config.schema import Sampling, Task
from runner.errors import ConfigError

PNG = b"\x89PNG\r\n\x1a\n rest"
HEADS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0 rest",
    "image/gif": b"GIF89a rest of it",
    "image/webp": b"RIFF\x10\0\0\0WEBPVP8 ",
}


def task(prompt: str = "{{ input }}", system: str | None = None) -> Task:
    return Task(
        name="demo",
        cases="demo.jsonl",
        system=system,
        prompt=prompt,
        output="text",
        json_schema=None,
        sampling=Sampling(max_tokens=8),
        scorers={"exact": {}},
        quality=None,
    )


def write(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def problem(path: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        list(cases.read(path))
    [line] = raised.value.problems
    return line


@pytest.mark.parametrize("kind", HEADS)
def test_images_are_told_by_their_bytes(tmp_path: Path, kind: str) -> None:
    """What an image is stands in its first bytes, whatever its name says."""
    (tmp_path / "photo.dat").write_bytes(HEADS[kind])
    path = write(tmp_path, {"id": "a", "input": "what?", "images": ["photo.dat"]})
    [case] = cases.read(path)
    assert Path(case.images[0]).read_bytes() == HEADS[kind]
    assert attachments.media_type(HEADS[kind][:12]) == kind


def test_images_beside_the_cases_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is looked up beside the cases file, then as given, and kept short where it can be."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    for place in (folder, tmp_path):
        (place / "a.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(PNG)
    path = write(folder, {"id": "a", "input": "?", "images": ["a.png", "b.png"]})
    monkeypatch.chdir(tmp_path)
    [case] = cases.read(path)
    assert case.images == ("tasks/a.png", "b.png")


def test_a_missing_image_is_one_line(tmp_path: Path) -> None:
    """It names the cases file and the line, the image and where it was looked for."""
    path = write(
        tmp_path, {"id": "a", "input": "?"}, {"id": "b", "input": "?", "images": ["x.png"]}
    )
    assert problem(path) == f"{path}:2: images: no file 'x.png' in {tmp_path}"


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    """A file of another kind is refused before anything is sent."""
    (tmp_path / "x.png").write_bytes(b"<svg></svg>")
    path = write(tmp_path, {"id": "a", "input": "?", "images": ["x.png"]})
    assert "x.png is no PNG, JPEG, WebP or GIF" in problem(path)


def test_a_huge_image_is_refused(tmp_path: Path) -> None:
    """More than providers take is refused with both sizes."""
    with (tmp_path / "x.png").open("wb") as file:
        file.write(PNG)
        file.truncate(21_000_000)
    path = write(tmp_path, {"id": "a", "input": "?", "images": ["x.png"]})
    assert "has 21 MB; providers take 20 at the most" in problem(path)


def test_images_become_parts(tmp_path: Path) -> None:
    """The user's message has the text, then each image by its path and hash."""
    image = tmp_path / "a.png"
    image.write_bytes(PNG)
    case = Case(id="a", input="cat", images=(str(image),))
    system, user = prompts.render(task("What is {{ input }}?", "Be brief."), case)
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"] == [
        {"type": "text", "text": "What is cat?"},
        {"type": "image", "path": str(image), "sha256": hashlib.sha256(PNG).hexdigest()},
    ]
    assert case.images


def test_text_stays_text() -> None:
    """A case without images has a plain content."""
    case = Case(id="a", input="cat", user="u-1")
    assert prompts.render(task(), case) == [{"role": "user", "content": "cat"}]
    assert not case.images


def test_an_image_that_went_away_names_its_case(tmp_path: Path) -> None:
    """An image that is gone when the case is rendered is an error of that case."""
    with pytest.raises(ConfigError, match=r"case 'a': .*gone\.png: No such file"):
        prompts.render(task(), Case(id="a", input="?", images=(str(tmp_path / "gone.png"),)))


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            {"id": "a", "input": "?", "image": ["a.png"]},
            "image: no such key; did you mean 'images'",
        ),
        ({"id": "a", "input": "?", "images": "a.png"}, "images: "),
        ({"id": "a", "input": "?", "images": [1]}, "images.0: "),
        ({"id": "a", "input": "?", "user": 7}, "user: "),
    ],
)
def test_wrong_keys(tmp_path: Path, line: dict[str, Any], says: str) -> None:
    """A key that is unknown or of the wrong type is named with its line."""
    path = write(tmp_path, line)
    assert problem(path).startswith(f"{path}:1: {says}")


def test_bytes_never_reach_the_record() -> None:
    """Wherever a provider has an image's base64, the record has the hash."""
    body = {"a": [{"url": "data:image/png;base64,QUJD"}], "b": "QUJD", "c": "text", "d": 1}
    assert attachments.without_bytes(body, {"QUJD": "12"}) == {
        "a": [{"url": "sha256:12"}],
        "b": "sha256:12",
        "c": "text",
        "d": 1,
    }


@pytest.mark.parametrize(
    ("prompt", "given"),
    [
        ("{{ price * 1.2 }}", {"price": "n/a"}),
        ("{{ price * 1.2 }}", {"price": None}),
        ("{{ 1 / n }}", {"n": 0}),
        ("{{ 'x' * n }}", {"n": 10**9}),
        ("{{ n * [1] }}", {"n": 10**9}),
        ("{{ 9 ** n }}", {"n": 10**9}),
        ("{% for a in range(9999) %}{{ 'x' * 9999 }}{% endfor %}", {"n": 1}),
        ("{{ n.a.b }}", {"n": 1}),
        ("{{ missing }}", {"n": 1}),
        ("{{ n | int(default=none) + 'x' }}", {"n": 1}),
    ],
)
def test_a_prompt_that_fails_on_a_value(prompt: str, given: dict[str, Any]) -> None:
    """Whatever a prompt does with the values of one case, that case is named, in one line."""
    with pytest.raises(ConfigError) as raised:
        prompts.render(task(prompt), Case(id="c7", input=given))
    [line] = raised.value.problems
    assert line.startswith("task.prompt, case 'c7': ") and len(line) < 400


def test_a_prompt_without_a_variable_is_said() -> None:
    """Every case would be asked the same."""
    assert "names no variable" in str(prompts.variableless(task("Classify the ticket.")))
    assert prompts.variableless(task()) is None
