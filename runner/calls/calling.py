"""The calls of tools in a reply, put together from what each event has of them."""

import json
from dataclasses import dataclass, field
from typing import Any

from runner.record.outcomes import ToolCall, made_up_id

_SIGNED = "__thought__"  # litellm's mark between an id and a signature
_LONGEST = 200  # characters of an id or a name on record


@dataclass
class Calling:
    """One of them, as far as it has come."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)  # in the pieces that they came in
    else_arguments: str = ""  # where no piece comes
    # Google's, of the thought before it: without it a result is not taken.
    signature: str = ""


class Calls:
    """All of a reply, in the order in which they began."""

    def __init__(self) -> None:
        self._begun: list[Calling] = []
        self._last: dict[Any, Calling] = {}  # at each place

    def __bool__(self) -> bool:
        return bool(self._begun)

    def add(self, at: int | str | None, id: Any, name: Any, arguments: Any) -> Calling:
        """A call, or what an event has of one: a name only its first. `at` None: it does not say.

        Another id and a name make it another call, be it at a known place: some say 0 of each.
        """
        id, name = text(id)[:_LONGEST], text(name)[:_LONGEST]
        call = self._last.get(at)
        if call is None or (name and (at is None or (id and call.id and id != call.id))):
            call = Calling()
            self._begun.append(call)
            self._last[at] = self._last[None] = call
        call.id, call.name = call.id or id, call.name or name
        if arguments is not None:
            call.arguments.append(as_text(arguments))
        return call

    def whole(self, id: Any, name: Any, arguments: Any, signature: Any = None) -> None:
        """A call all of which is there."""
        self.add(len(self._begun), id, name, arguments).signature = text(signature)

    def made(self) -> list[ToolCall]:
        """A signature stands in the id, from where litellm takes it when the call is sent back."""
        return [
            ToolCall(
                id=(call.id or made_up_id(number)) + (call.signature and _SIGNED + call.signature),
                name=call.name,
                arguments=characters("".join(call.arguments) or call.else_arguments),
            )
            for number, call in enumerate(self._begun, 1)
        ]


def as_text(arguments: Any) -> str:
    """Some send the text of an object, some the object."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False)


def text(value: Any) -> str:
    """Whatever else it is, it is no text."""
    return characters(value) if isinstance(value, str) else ""


def characters(text: str) -> str:
    """Halves of characters (lone surrogates, which no file takes) joined, else replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
