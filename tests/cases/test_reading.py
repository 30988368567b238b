"""How an answer is read: reasoning and fences are taken off."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.reading import Pieces, as_json, is_json, without_reasoning

TAGS = ("<think>", "</think>")


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("yes", "yes", ""),
        ("<think>hm</think>yes", "yes", "hm"),
        ("\n<think>\nhm\n</think>\n\nyes\n", "yes\n", "hm"),
        ("<think></think>yes", "yes", ""),
        ("<think>a</think>\n<think>b</think>yes", "yes", "a\n\nb"),
        ("hm</think>\nyes", "yes", "hm"),
        ("<think>never closed, yes", "", "never closed, yes"),
        ("Use the <think> tag: <think>x</think>", "Use the <think> tag: <think>x</think>", ""),
        ("`</think>` ends it", "`</think>` ends it", ""),
        ('{"tag": "say </think> there"}', '{"tag": "say </think> there"}', ""),
        ("<think>no {} yet</think>{}", "{}", "no {} yet"),
        ("", "", ""),
    ],
)
def test_reasoning_is_taken_off(text: str, answer: str, reasoning: str) -> None:
    """What opens an answer in tags, or ends in a lone closing one, is no part of the answer."""
    assert without_reasoning(text, TAGS) == (answer, reasoning)
    assert without_reasoning(text, None) == (text, "")
    assert without_reasoning(answer, TAGS)[0] == answer


def test_other_tags() -> None:
    """The tags are the model's own."""
    tags = ("[THINK]", "[/THINK]")
    assert (
        without_reasoning("[THINK]<think>[/THINK]<think>a</think>", tags)[0] == "<think>a</think>"
    )


SNIPPETS = st.sampled_from(["<think>", "</think>", "<", "<th", "ink>", " ", "\n", "yes", "no"])


@given(st.lists(SNIPPETS), st.data())
def test_pieces_make_the_same_answer(snippets: list[str], data: st.DataObject) -> None:
    """However an answer is cut into pieces, what is handed on is the answer that is read whole,
    unless a closing tag turns up that nothing opened.
    """
    text = "".join(snippets)
    answer, _ = without_reasoning(text, TAGS)
    if answer != text and not text.lstrip().startswith(TAGS[0]):
        return
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)))))
    pieces = Pieces(TAGS)
    given = [
        pieces.feed(text[start:end])
        for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)
    ]
    assert "".join([*given, pieces.end()]) == answer


def test_nothing_is_held_back_for_long() -> None:
    """Without reasoning an answer is handed on as it comes."""
    pieces = Pieces(TAGS)
    assert [pieces.feed(piece) for piece in ("The", " <th", "ink>")] == ["The", " <th", "ink>"]
    assert Pieces(None).feed("<think>") == "<think>"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('\ufeff {"a": 1}\n', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```json {"a": 1} ```', {"a": 1}),
        ('`{"a": 1}`', {"a": 1}),
        ('~~~\n{"a": 1}\n~~~', {"a": 1}),
        ('Here it is:\n```\n{"a": 1}\n```\nBye.', {"a": 1}),
        ('````json\n{"a": "```"}\n````', {"a": "```"}),
        ('```json\n{"a": "b\\n```c"}\n```', {"a": "b\n```c"}),
        ('{"a": "use ``` here"}', {"a": "use ``` here"}),
        ('"```json\\n1\\n```"', "```json\n1\n```"),
    ],
)
def test_json_is_read(text: str, value: Any) -> None:
    """An answer is its JSON, alone or in its one fence."""
    fenced = as_json(text, fenced=True)
    assert fenced[0] == value
    assert is_json(text, fenced=False) == (not fenced[1])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('Here: {"a": 1}', "not JSON: Expecting value at line 1, column 1"),
        ('```\n{"a": 1}\n```\n```\n{"a": 2}\n```', "not JSON: Expecting value at line 1"),
        ('{"a": "b\n```js\ncode\n```\n"}', "not JSON: Invalid control character at line 1"),
        ("```json\n\n```", "not JSON: the answer is empty"),
        ("", "not JSON: the answer is empty"),
        ('{"a": 1, "a": 2}', "not JSON: the key 'a' stands twice"),
    ],
)
def test_what_is_no_json(text: str, problem: str) -> None:
    """Nobody has to guess which part of an answer was meant."""
    with pytest.raises(ValueError, match="not JSON") as caught:
        as_json(text, fenced=True)
    assert str(caught.value).startswith(problem)
