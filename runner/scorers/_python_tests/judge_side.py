"""The process of the judge: holds what the code sends against what its half of the tests works out.

It says on stdout that the code has started, then the verdict. The code never runs here. Nothing of
the package is imported here but what runs here too.
"""

from __future__ import annotations

import os
import sys
from types import CodeType, ModuleType

from runner.scorers._python_tests.code_side import armed, explained
from runner.scorers._python_tests.limits import limit_this_process
from runner.scorers._python_tests.values import (
    END,
    ERROR,
    FAKE,
    KEEP,
    READY,
    NotPlain,
    decode,
    encode,
    filled,
    holds,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_LONGEST_LINE = 16 << 20
_DECOYS = 5
_LOST = "left the way of the tests"


def main(order: dict[str, Any]) -> NoReturn:
    _Judge(order).run(order["tests"])


class _Judge:
    """Holds the values that come from the code against those that its half works out."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._channel: int = order["channel"]
        self._lines = os.fdopen(os.dup(self._channel), "rb")
        self._secret: bytes = order["secret"].encode()
        self._checks = order["checks"]
        self._report = os.dup(1)
        self._counts = {"judged": 0, "believed": 0}
        limit_this_process(order)
        os.dup2(os.open(os.devnull, os.O_RDWR), 1)

    def run(self, code: CodeType) -> NoReturn:
        number, text = self._read()
        if number != READY:
            self._fail("did not start")
        self._say({"limits": decode(text)})
        tests = sys.modules["tests"] = ModuleType("tests")
        try:
            exec(armed(code, self.check), vars(tests))
            number, _ = self._next()
        except Exception as error:
            self._problem(*explained(error, "tests"))
        self._say({"problem": None, **self._counts} if number == END else {"problem": _LOST})
        os._exit(0)

    def check(self, number: int, known: tuple[Any, ...]) -> None:
        if number == KEEP:
            return
        found, text = self._next()
        if found != number:
            self._fail(_LOST)
        self._decide(number, text, known)

    def _next(self) -> tuple[int, str]:
        """The next line that this half waits for; checks it can't follow are made on the way."""
        while True:
            number, text = self._read()
            if number < 0 or number >= len(self._checks) or self._checks[number][3] is None:
                return number, text
            self._decide(number, text, self._checks[number][3])

    def _read(self) -> tuple[int, str]:
        line = self._lines.readline(_LONGEST_LINE)
        if not line:
            self._fail("ended before the tests were through")
        secret, _, rest = line.partition(b" ")
        if secret != self._secret or not line.endswith(b"\n"):
            self._fake("wrote into the report of the tests")
        number, _, text = rest.decode().rstrip("\n").partition(" ")
        if int(number) == ERROR:
            self._problem(*decode(text))
        if int(number) == FAKE:
            self._fake(text)
        return int(number), text

    def _decide(self, number: int, text: str, known: Any) -> None:
        line, operators, judged, _ = self._checks[number]
        if text in ("+", "-"):  # the word of the code's process, where there is nothing else
            held = text == "+" and not any(judged)
            self._counts["believed"] += 1
        elif text == "?" and any(judged):
            held = self._compared_by_the_code(number, operators, known)
            self._counts["believed"] += 1
        else:
            self._counts["judged" if any(judged) else "believed"] += 1
            try:
                asked = decode(text)
                held = bool(operators) and holds(operators, filled(judged, known, asked))
            except Exception as error:
                what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                self._problem(what, "tests", line)
        if not held:
            self._problem("AssertionError", "tests", line)

    def _compared_by_the_code(self, number: int, operators: list[str], known: Any) -> bool:
        """An object of the code's own class says itself what it equals, of several values."""
        right, place = list(known), 0
        several = [right]
        if operators == ["Eq"]:
            place = _below(_DECOYS + 1)
            several = [*_walk(right, place)[::-1], right, *_walk(right, _DECOYS - place)]
        try:
            text = encode(several)
        except NotPlain:
            self._say({"inside": number})
            os._exit(0)
        os.write(self._channel, text.encode() + b"\n")
        fits = decode(self._read()[1])
        if sum(fits) > fits[place]:
            self._fake("is equal to what was not expected too")
        return bool(fits[place])

    def _problem(self, what: str, where: str, line: int | None) -> NoReturn:
        self._say({"problem": str(what)[:300], "where": str(where)[:10], "line": line})
        os._exit(0)

    def _fail(self, what: str) -> NoReturn:
        self._say({"problem": what[:300]})
        os._exit(0)

    def _fake(self, what: str) -> NoReturn:
        self._fail(f"looks like a fake: {what}")

    def _say(self, line: dict[str, Any]) -> None:
        os.write(self._report, encode(line).encode() + b"\n")


def _below(number: int) -> int:
    return int.from_bytes(os.urandom(4)) % number


def _walk(start: Any, steps: int) -> list[Any]:
    """Each differs from the one before in one place: the start of two walks is no centre."""
    found, at = [], start
    for _ in range(steps):
        at = next((each for each in (_other(at) for _ in range(9)) if each != start), at)
        found.append(at)
    return found


def _other(value: Any) -> Any:
    """A value of the same kind that differs in one place."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float | complex):
        step = (-3, -2, -1, 1, 2, 3)[_below(6)]
        moved = value + step
        if moved == value:  # a large float takes no small step, and an infinity none at all
            moved = value * (1 + step / 8)
        return moved if moved != value else step
    if isinstance(value, str):
        letters = [each for each in "aeinorst" if each != value[-1:]]
        return value[:-1] + letters[_below(len(letters))]
    if isinstance(value, list | tuple) and value:
        place = _below(len(value))
        return type(value)([*value[:place], _other(value[place]), *value[place + 1 :]])
    if isinstance(value, dict) and value:
        key = list(value)[_below(len(value))]
        return {**value, key: _other(value[key])}
    return [value]
