"""The page for people who score answers without knowing whose they are."""

import json
import re

from runner.record.outcomes import Exchange
from runner.report import label
from tests.report import make


def exchange(turn: int, said: str, reply: str) -> Exchange:
    return Exchange(
        turn=turn,
        said=[{"role": "user", "content": said}],
        reply=reply,
        finish_reason="stop",
        usage=None,
        seconds=1.0,
        cost_usd=0.0,
        model_served=None,
        served_by="small",
    )


def test_what_was_said_before() -> None:
    """An answer of a conversation stands below all that was said before it, in its order."""
    turns = ["Hi", "And now?"]
    line = make.answered(
        "c",
        1.0,
        messages=[{"role": "user", "content": turn} for turn in turns],
        exchanges=[exchange(1, "Hi", "Hello."), exchange(2, "And now?", "Bye.")],
        reply="Bye.",
    )
    [data] = re.findall(r'id="data">(.*?)</script>', label.page([("talk", line)]))
    found = json.loads(data)
    [item] = found["items"]
    said = [(role, found["texts"][number]) for role, number in item["prompt"]]
    assert said == [("user", "Hi"), ("assistant", "Hello."), ("user", "And now?")]
    assert found["texts"][item["answer"]] == "Bye."
    assert "small" not in data
