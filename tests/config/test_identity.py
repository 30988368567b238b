"""What makes two configs ask for the very same answers."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from runner.config.identity import shape
from runner.config.schema import Model
from tests.conftest import model

URL = "http://127.0.0.1:9/v1"
ARTIFACT = {
    "parts": [{"wheel": "weights==1.0", "file": "weights.gguf"}],
    "sha256": "0" * 64,
    "context_tokens": 512,
}


def of(given: dict[str, Any]) -> Any:
    typed: TypeAdapter[Any] = TypeAdapter(Model)
    return shape(typed.validate_python(given))


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"price": None}, True),
        ({"strengths": ["speed"], "successor": "next"}, True),
        ({"id": "another-2026-01-01"}, False),
        ({"extra_body": {"top_k": 1}}, False),
        ({"drop_params": ["temperature"]}, False),
        ({"max_output_tokens": 5}, False),
        ({"artifact": ARTIFACT}, False),
    ],
)
def test_single(changes: dict[str, Any], same: bool) -> None:
    """What is sent, and where to, makes the shape; prices and hints do not."""
    assert (of(model(URL)) == of(model(URL) | changes)) == same


def test_address() -> None:
    """A server somewhere else may be another model; one that we start ourselves is not."""
    other = "http://127.0.0.1:10/v1"
    assert of(model(URL)) != of(model(other))
    assert of(model(URL) | {"artifact": ARTIFACT}) == of(model(other) | {"artifact": ARTIFACT})


def test_arms_have_an_order() -> None:
    """A cascade that asks the same models in another order is another model; its name is not."""
    arms = {name: model(URL, name) for name in ("a", "b")}

    def cascade(names: str, name: str = "cascade", price: Any = None) -> Any:
        priced = {key: arms[key] | {"price": price} for key in names}
        finish = {"finish_reasons": ["stop"]}
        return of({"kind": "cascade", "name": name, "arms": priced} | finish)

    assert cascade("ab") != cascade("ba")
    assert cascade("ab") == cascade("ab", name="other", price=model(URL)["price"])


def test_plain_values() -> None:
    """Options of any kind have a shape that is the same in every process."""
    assert shape({"labels": ("a", "b"), "share": 0.5}) == [["labels", ["a", "b"]], ["share", 0.5]]
    assert shape({"b", "a", "c"}) == ["a", "b", "c"]
