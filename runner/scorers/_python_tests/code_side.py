"""The process of the code: runs an answer and its half of the tests.

What goes out are lines with a secret, the number of a check and its values. Nothing of the package
is imported here but what runs here too.
"""

from __future__ import annotations

import builtins
import os
import sys
from types import CodeType, ModuleType

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
    fits,
    holds,
)

# A wrong value ends a trial at once; of very many the later ones go in blocks.
_AT_ONCE, _BLOCK_BYTES = 100, 1 << 15

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, NoReturn

# What leads from the code to what runs it. Python's own library may: named tuples, logging.
_WATCHED = {
    "sys._getframe", "sys._current_frames", "sys._current_exceptions", "sys.settrace",
    "sys.setprofile", "sys.addaudithook", "gc.get_objects", "gc.get_referrers",
    "gc.get_referents", "open", "object.__getattr__", "object.__setattr__", "ctypes.string_at",
    "ctypes.wstring_at", "ctypes.cdata", "ctypes.cdata/buffer", "ctypes.addressof",
    "ctypes.dlsym", "ctypes.call_function",
}  # fmt: skip
_FRAMES = {"f_code", "tb_frame", "gi_frame", "cr_frame", "ag_frame"}
# Functions of the library that return frames to whom calls them.
_HAND_ON = {"currentframe", "<lambda>", "walk_stack", "walk_tb", "_task_get_stack"}


def main(order: dict[str, Any]) -> NoReturn:
    """Nothing that decides about a verdict is within reach of the code by any name.

    So the order, which the frames below still hold, is emptied before the code runs.
    """
    limits = limit_this_process(order)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    answer, tests = ModuleType("answer"), ModuleType("tests")  # real ones: pickle looks them up
    check, say, watch, finish = _machinery(order, tests)
    tests_code, source = armed(order["tests"], check), order["answer"]
    own_builtins = dict(vars(builtins))  # what the code changes there is not the tests'
    execute, compiled = exec, compile  # the code may put others in their places
    order.clear()
    del check
    say(READY, encode(limits))
    running = "answer"
    try:
        sys.modules["answer"] = answer
        code = compiled(source, "<answer>", "exec", dont_inherit=True)
        watch(True)
        execute(code, vars(answer))
        # A helper `sum` of the code's is not the tests'.
        vars(tests).update({k: v for k, v in vars(answer).items() if k not in own_builtins})
        vars(tests).update(__name__="tests", __builtins__=own_builtins)
        running = "tests"
        sys.modules["tests"] = tests
        execute(tests_code, vars(tests))
    except BaseException as error:  # SystemExit too: the tests have not run to their end
        watch(False)
        say(ERROR, encode(explained(error, running)))
    finish()
    os._exit(1)


def _machinery(order: dict[str, Any], tests: ModuleType) -> tuple[Any, ...]:
    """What checks, sends, watches and ends. The secret of the lines is in closures alone."""
    say, fake = _sender(order["secret"].encode(), order["channel"])
    check, finish = _checks(order["checks"], order["channel"], tests, say, fake)
    return check, say, _watcher(tests, fake), finish


def _sender(secret: bytes, channel: int) -> tuple[Any, Any]:
    write, leave = os.write, os._exit  # the code may put others in their places
    sent, held = [0], bytearray()

    def say(number: int, text: str) -> None:
        held.extend(b"%s %d %s\n" % (secret, number, text.encode()))
        sent[0] += 1
        if sent[0] > _AT_ONCE and number >= 0 and text != "?" and len(held) < _BLOCK_BYTES:
            return
        while held:
            del held[: write(channel, held)]

    def fake(what: str) -> NoReturn:
        say(FAKE, what)
        leave(1)

    return say, fake


def _checks(checks: Any, channel: int, tests: ModuleType, say: Any, fake: Any) -> tuple[Any, Any]:
    """What the tests call in place of their asserts, and what says that they are through."""
    replies, leave = os.fdopen(os.dup(channel), "rb", buffering=0), os._exit
    kept: list[tuple[str, Any]] = []

    def look_at_functions() -> None:
        for name, function in kept:
            if tests.__dict__.get(name) is not function:
                fake("changes the tests' own function " + name)

    def finish() -> NoReturn:
        look_at_functions()
        say(END, "")
        leave(0)

    def check(number: int, values: tuple[Any, ...]) -> None:
        if number == KEEP:
            kept.append((values[0], values[1]))
            return
        look_at_functions()
        _, operators, judged, _ = checks[number]
        if not operators:
            say(number, "+" if values[0] else "-")
            return
        try:
            text = encode(values)
        except NotPlain:
            pass
        else:
            say(number, text)
            return
        if True not in judged:
            if operators == ["Eq"] and any(fits(operators, [each, object()]) for each in values):
                fake("is equal to everything")
            say(number, "+" if holds(operators, list(values)) else "-")
            return
        say(number, "?")
        candidates = decode(replies.readline().decode())
        found = [fits(operators, filled(judged, each, values)) for each in candidates]
        say(number, encode(found))

    return check, finish


def _watcher(tests: ModuleType, fake: Any) -> Any:
    """Ends code that reaches for what runs it; on or off. The hook can't be taken out again."""
    watched, frames, hand_on = frozenset(_WATCHED), frozenset(_FRAMES), frozenset(_HAND_ON)
    frame_above, state = sys._getframe, {"watching": False}
    library = os.path.dirname(os.__file__)
    libraries = (library, "<frozen")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not state["watching"] or event not in watched:
            return
        name = arguments[1] if event.startswith("object.") else ""
        if event == "open":
            suspect = isinstance(arguments[0], str) and arguments[0].endswith("/mem")
        elif name == "__code__":
            suspect = arguments[0].__globals__ is tests.__dict__
        elif event.startswith("ctypes."):
            suspect = True
        else:
            state["watching"] = False  # our own look at the frames
            suspect = (not name or name in frames) and not for_the_library(frame_above(1))
            state["watching"] = True
        if suspect:
            fake("uses " + (name or event))

    def for_the_library(caller: FrameType) -> bool:
        """Whether Python's own library looks for itself, and hands nothing on to the code."""
        code = caller.f_code
        if not code.co_filename.startswith(libraries) or code.co_filename.endswith("inspect.py"):
            return False
        above = caller.f_back
        hands_on = code.co_name in hand_on
        return not hands_on or (above is not None and above.f_code.co_filename.startswith(library))

    def watch(on: bool) -> None:
        state["watching"] = on

    sys.addaudithook(hook)
    return watch


def armed(code: CodeType, check: Any) -> CodeType:
    """The check stands in the code itself, as a constant."""
    constants = [
        armed(each, check) if isinstance(each, CodeType) else check if each == "<check>" else each
        for each in code.co_consts
    ]
    return code.replace(co_consts=tuple(constants))


def explained(error: BaseException, running: str) -> list[Any]:
    """What, in which source and in which line."""
    message = str(error)
    where, line = running, None
    trace: TracebackType | None = error.__traceback__
    while trace:
        file = trace.tb_frame.f_code.co_filename
        if file in ("<answer>", "<tests>"):
            where, line = file.strip("<>"), trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == "<answer>":
        message, line = error.msg, error.lineno
    message = " ".join(message.split())[:200]
    return [f"{type(error).__name__}: {message}" if message else type(error).__name__, where, line]
