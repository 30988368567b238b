"""Conversations as they are read, rendered and put on record."""

import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.cases import attachments, cases, prompt
from runner.cases.cases import Case
from runner.config.schema import Sampling, Task
from runner.config.validation import validated
from runner.errors import ConfigError

PDF = b"%PDF-1.4\n1 0 obj <</Type /Pages /Count 2>>\n<</Type /Page>> <</Type/Page/Parent 1 0 R>>"
PNG = b"\x89PNG\r\n\x1a\n rest"
USER = {"role": "user", "content": "And in Lima?"}
CALL = {"name": "weather", "arguments": {"city": "Lima"}}
CALLED = [USER, {"role": "assistant", "tool_calls": [CALL]}]


def task(**changes: Any) -> Task:
    plain: dict[str, Any] = {
        "name": "demo",
        "cases": "demo.jsonl",
        "system": None,
        "prompt": "{{ input }}",
        "output": "text",
        "json_schema": None,
        "sampling": Sampling(max_tokens=8),
        "scorers": {"exact": {}},
        "quality": None,
    }
    return Task.model_validate(plain | changes)


def read(folder: Path, **line: Any) -> Case:
    path = folder / "cases.jsonl"
    path.write_text(json.dumps({"id": "a", **line}) + "\n")
    [case] = cases.read(path)
    return case


def problems(folder: Path, **line: Any) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read(folder, **line)
    where = f"{folder / 'cases.jsonl'}:1: "
    assert all(problem.startswith(where) for problem in raised.value.problems)
    return [problem.removeprefix(where) for problem in raised.value.problems]


def roles(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(message["role"], message["content"]) for message in messages]


def test_a_conversation_is_asked_as_it_stands(tmp_path: Path) -> None:
    """The task's system message, and then the case's messages, whose last one is measured."""
    said = [{"role": "user", "content": "Rain in Oslo?"}, {"role": "assistant", "content": "Yes."}]
    case = read(tmp_path, messages=[*said, USER])
    asked = prompt.render(task(system="Be brief."), case)
    assert asked == [{"role": "system", "content": "Be brief."}, *said, USER]
    assert case.text == "And in Lima?"


def test_the_system_message_of_a_case_is_its_own(tmp_path: Path) -> None:
    """One that stands in the messages is in place of the task's, as the key `system` is."""
    own = {"role": "system", "content": "Own."}
    for line in ({"messages": [own, USER]}, {"messages": [USER], "system": "Own."}):
        case = read(tmp_path, **line)
        assert prompt.render(task(system="Task's."), case) == [own, USER]


def test_examples_stand_before_a_conversation(tmp_path: Path) -> None:
    """A prompt of messages is examples, then the case's: its input, or what stands for it."""
    few = [
        {"role": "user", "content": "2+2"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "{{ input }}"},
    ]
    examples = [("user", "2+2"), ("assistant", "4")]
    shown = prompt.render(task(prompt=few), read(tmp_path, input="3+3"))
    assert roles(shown) == [*examples, ("user", "3+3")]
    shown = prompt.render(task(prompt=few), read(tmp_path, messages=[USER]))
    assert roles(shown) == [*examples, ("user", "And in Lima?")]
    shown = prompt.render(task(prompt=few[:2]), read(tmp_path, turns=["a", "b"]))
    assert roles(shown) == [*examples, ("user", "a"), ("user", "b")]


def test_a_prompt_that_wants_an_input(tmp_path: Path) -> None:
    """It is refused for a case with messages, and null for one with an input."""
    conversation, single = read(tmp_path, messages=[USER]), read(tmp_path, input="?")
    with pytest.raises(ConfigError, match=r"the prompt says \{\{ input \}\}; say prompt: null"):
        prompt.render(task(prompt="Answer: {{ input }}"), conversation)
    assert prompt.render(task(prompt=None), conversation) == [USER]
    with pytest.raises(ConfigError, match="null, so that case 'a' needs messages or turns"):
        prompt.render(task(prompt=None), single)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ({}, "input: field required, or messages, or turns"),
        ({"input": "?", "messages": [USER]}, "messages: there is input already"),
        ({"messages": []}, "messages: is empty"),
        ({"turns": []}, "turns: is empty"),
        ({"messages": [USER], "images": ["a.png"]}, "images: belong to a part of a message"),
        ({"messages": USER}, "messages: input should be a list"),
        ({"messages": [{"role": "user", "content": []}]}, "messages.0.content: is empty"),
        ({"turns": [{"inpt": "x"}]}, "turns.0.inpt: no such key; did you mean 'input'?"),
        (
            {"messages": [USER, {"role": "assistant", "tool_calls": [{**CALL, "arguments": [1]}]}]},
            "messages.1.tool_calls.0.arguments: is no object, nor the text of one",
        ),
        ({"messages": ["hello"]}, "messages.0"),
        (
            {"messages": [{"role": "asistant", "content": "x"}]},
            "messages.0.role: no role 'asistant'; did you mean 'assistant'?",
        ),
        (
            {"messages": [{"role": "user", "contents": "x"}]},
            "messages.0.contents: no such key of the role user; did you mean 'content'?",
        ),
        ({"messages": [{"role": "user", "content": " "}]}, "messages.0.content: is empty"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages.0.content: is no text"),
        ({"messages": [{"role": "assistant", "content": "x"}, USER]}, "messages.0.role: a conv"),
        (
            {"messages": [USER, {"role": "assistant", "content": "x"}]},
            "messages.1.role: the last is the user's, not assistant; what it should say is",
        ),
        ({"messages": [USER, {"role": "system", "content": "x"}, USER]}, "messages.1.role: a sys"),
        ({"messages": [*CALLED, USER]}, "messages.2: the call 'call00100' before it has no result"),
        (
            {"messages": [USER, {"role": "tool", "content": "x"}]},
            "messages.1.tool_call_id: no call '' waits for a result",
        ),
        (
            {"messages": [USER, {"role": "assistant", "tool_calls": [{"nam": "f"}]}]},
            "messages.1.tool_calls.0.nam: no such key of a call; did you mean 'name'?",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "imag", "path": "x"}]}]},
            "messages.0.content.0.type: no part 'imag'; did you mean 'image'?",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "file", "path": "x.pdf"}]}]},
            "messages.0.content.0.path: no file 'x.pdf' in ",
        ),
        ({"turns": [{"inptu": "x"}]}, "turns.0.in"),
        ({"turns": [{"input": "x", "system": "y"}]}, "turns.0.system: no such key"),
        ({"turns": [""]}, "turns.0.input"),
        ({"turns": [{"input": "x", "files": ["y.pdf"]}]}, "turns.0.files: no file 'y.pdf'"),
        (
            {"turns": [{"input": "x", "expected": 1}], "expected": 2},
            "expected: is that of the last of the turns",
        ),
    ],
)
def test_what_is_wrong_with_a_conversation(tmp_path: Path, line: dict[str, Any], says: str) -> None:
    """Each is one line that names file and line, the key, and what would be right."""
    [problem] = problems(tmp_path, **line)
    assert problem.startswith(says)


def test_each_wrong_message_has_its_line(tmp_path: Path) -> None:
    """Two mistakes in two messages are two lines."""
    wrong = [{"role": "bot", "content": "x"}, USER, {"role": "user", "content": ""}]
    first, second = problems(tmp_path, messages=wrong)
    assert first.startswith("messages.0.role: no role 'bot'")
    assert second == "messages.2.content: is empty"


def test_a_result_may_be_an_empty_list(tmp_path: Path) -> None:
    """A result is data: none found is told the model as such."""
    case = read(tmp_path, messages=[*CALLED, {"role": "tool", "content": []}])
    assert case.messages[-1]["content"] == "[]"


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ([], "prompt: is empty"),
        ([{"role": "assistant", "content": "x"}], "prompt: a conversation begins with the user"),
        ([{"role": "usr", "content": "x"}], "prompt.0.role: input should be 'system', 'user'"),
        (7, "prompt: input should be a valid string"),
    ],
)
def test_what_is_wrong_with_a_prompt(prompt: Any, says: str) -> None:
    """One line, at its key."""
    with pytest.raises(ConfigError) as raised:
        validated(Task, task().model_dump() | {"prompt": prompt})
    [line] = raised.value.problems
    assert says in line


def test_calls_may_be_written_short(tmp_path: Path) -> None:
    """What stands on record is OpenAI's form, and a result without an id answers the next call."""
    full = {"id": "x1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    turn = {"role": "assistant", "content": None, "tool_calls": [CALL, full]}
    results = [{"role": "tool", "content": {"sky": "grey"}}, {"role": "tool", "content": 0}]
    case = read(tmp_path, messages=[USER, turn, *results])
    _, assistant, first, second = case.messages
    short = {"name": "weather", "arguments": '{"city": "Lima"}'}
    assert assistant["tool_calls"] == [
        {"id": "call00100", "type": "function", "function": short},
        full,
    ]
    assert (first["tool_call_id"], first["content"]) == ("call00100", '{"sky": "grey"}')
    assert (second["tool_call_id"], second["content"]) == ("x1", "0")


def test_files_become_parts(tmp_path: Path) -> None:
    """Images and PDFs of a case, of a turn and of a message are parts with their hashes."""
    (tmp_path / "a.pdf").write_bytes(PDF)
    (tmp_path / "b.png").write_bytes(PNG)
    of_case = read(tmp_path, input="x", images=["b.png"], files=["a.pdf"])
    of_turn = read(tmp_path, turns=[{"input": "x", "images": ["b.png"], "files": ["a.pdf"]}])
    named = [{"type": "image", "path": "b.png"}, {"type": "file", "path": "a.pdf"}]
    parts = [{"type": "text", "text": "x"}, *named]
    of_message = read(tmp_path, messages=[{"role": "user", "content": parts}])
    [first], [second], [third] = (
        prompt.render(task(), case) for case in (of_case, of_turn, of_message)
    )
    assert first == second == third
    _, image, file = first["content"]
    assert (image["type"], file["type"]) == ("image", "file")
    assert file["sha256"] == attachments.sha256(str(tmp_path / "a.pdf"))


def test_a_file_is_what_it_is_named_as(tmp_path: Path) -> None:
    """A picture is no PDF, and a PDF no picture."""
    (tmp_path / "a.pdf").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(PDF)
    [file] = problems(tmp_path, input="x", files=["a.pdf"])
    [image] = problems(tmp_path, input="x", images=["b.png"])
    assert file.endswith("a.pdf is no PDF")
    assert image.endswith("b.png is no PNG, JPEG, WebP or GIF")


def test_no_path_of_the_machine_is_on_record(tmp_path: Path) -> None:
    """Of a file outside of the project the record has its name and its hash."""
    (tmp_path / "a.pdf").write_bytes(PDF)
    asked = prompt.render(task(), read(tmp_path, input="x", files=["a.pdf"]))
    kept = attachments.recorded(asked)
    assert str(tmp_path) in json.dumps(asked)
    assert str(tmp_path) not in json.dumps(kept)
    assert kept[0]["content"][1]["path"] == "a.pdf"


def test_pages_are_counted(tmp_path: Path) -> None:
    """Also where the index of a PDF is packed; one that can't be read has a page at the least."""
    packed = zlib.compress(b"<</Type /Page>> <</Type /Page>> <</Type /Page>> <</Type /Pages>>")
    stream = b"%PDF-1.5\n<</Type /ObjStm /Filter /FlateDecode>>\nstream\n" + packed
    for name, data, count in (("a", PDF, 2), ("b", stream, 3), ("c", b"%PDF-1.4", 1)):
        (tmp_path / name).write_bytes(data)
        assert attachments.pages(str(tmp_path / name)) == count


@pytest.mark.parametrize(
    "line",
    [
        {"turns": ["a", {"input": "b", "expected": 1}]},
        {"turns": ["a", "b"], "expected": 1},
        {"messages": [{"role": "system", "content": "s"}, *CALLED, {"role": "tool", "content": 1}]},
        {"input": "x", "results": {"f": 1}},
    ],
)
def test_a_case_that_is_written_is_read_again(tmp_path: Path, line: dict[str, Any]) -> None:
    """What reading has made of a line is such a line, and the same case."""
    case = read(tmp_path, **line)
    again = read(tmp_path, **case.model_dump(exclude_defaults=True, exclude={"id"}))
    assert (again, again.wanted) == (case, case.wanted)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
_keys = st.sampled_from(["role", "content", "tool_calls", "tool_call_id", "type", "path", "text"])
_messages = st.lists(
    st.dictionaries(_keys, _values | st.sampled_from(["user", "assistant", "tool", "text"]))
)


@settings(max_examples=200, deadline=None)
@given(messages=_messages)
def test_whatever_stands_in_messages(messages: list[dict[str, Any]]) -> None:
    """It is a case whose messages can be rendered, or lines that say why it is none."""
    try:
        case = cases.case({"id": "a", "messages": messages}, Path())
    except cases.InvalidCase as problem:
        assert all("\n" not in line for line in problem.problems)
    else:
        asked = prompt.render(task(prompt=None), case)
        assert asked[-1]["role"] in ("user", "tool")
