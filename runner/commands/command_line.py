"""The command line: the first bare word is the command (`eval` unless said), the rest is its own.

Every error that can be explained ends here, as a line on stderr and an exit code (README).
"""

import argparse
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

from runner.errors import (
    CONFIG_EXIT,
    INCOMPLETE_EXIT,
    INTERRUPT_EXIT,
    ConfigError,
    RunnerError,
    did_you_mean,
)

COMMANDS = {
    "eval": "measure candidates on a task (the default; -m sweeps)",
    "init": "begin a project of your own, from a file of cases",
    "import": "bring what you have: promptfoo, OpenAI's evals, traces, data sets",
    "models": "the catalogue: prices, context, speed, strengths, benchmarks, keys",
    "select": "which models are worth measuring, by a decision tree and your bounds",
    "cost": "what a month of requests costs with each model, or with a router",
    "breakeven": "from which volume on a server of your own costs less than an API",
    "compare": "two runs case by case: what is proven to have changed",
    "rescore": "an answered run scored anew, with people's notes; nobody is asked",
    "label": "answers for people to score blind: does the judge agree with them?",
    "promote": "write a sweep's winner into a mapping, with a decision record",
    "drill": "what the chain does when its provider fails; offline and free",
    "checklist": "is a decision ready to ship? each line from evidence",
    "run": "apply a decision to new inputs: in production",
    "serve": "put a decision behind an OpenAI-compatible address",
    "spend": "what the runs on record have cost, with alerts",
    "drift": "does a promoted decision still hold? a few of its cases, asked again",
    "watch": "what could move a decision, daily; the migration that answers it, written",
    "history": "all runs on record over time, and the decision of each task",
    "report": "rebuild the report of a run or a sweep from its journals",
    "check": "compose and check every file of conf/ and tasks/",
    "schema": "the JSON schema of a group's files, for your editor",
    "help": "this page",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _open_streams()
    signal.signal(signal.SIGTERM, _terminate)
    # Modules and configs are a million objects that stay: to look for garbage among them each time
    # that 700 have come takes a fifth of a run.
    gc.set_threshold(100_000, 20, 20)
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except ConfigError as error:
        return explain(error, CONFIG_EXIT)
    except RunnerError as error:
        return explain(error, INCOMPLETE_EXIT)
    except KeyboardInterrupt:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # how to go on is said even so
        try:
            return explain(_interrupted(), INTERRUPT_EXIT)
        finally:
            signal.signal(signal.SIGINT, before)
    except SystemExit as stop:  # Hydra's and argparse's way to end
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; what is written to files is complete.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None or error.strerror is None:
            return _bug()
        return explain(RunnerError(f"{error.filename}: {error.strerror}"), CONFIG_EXIT)
    except Exception:
        return _bug()


def _open_streams() -> None:
    """One that is closed (`>&-`) leads nowhere; its number would be that of the next file."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def _bug() -> int:
    from runner.config.redact import redact
    from runner.config.terminal import clean

    sys.stderr.write(clean(redact(traceback.format_exc())))
    return 1


def _terminate(_number: int, _frame: FrameType | None) -> None:
    """A polite kill is a Ctrl-C: what is answered is kept, and the same command goes on with it."""
    raise KeyboardInterrupt


def _dispatch(argv: list[str]) -> int:
    for number, word in enumerate(argv, 1):
        if "\0" in word or any("\ud800" <= sign <= "\udfff" for sign in word):
            raise ConfigError(f"argument {number}: is not UTF-8, or has a null in it")
    place = _first_word(argv)
    command = "eval" if place is None else argv.pop(place)
    if command == "help" and (place := _first_word(argv)) is not None:
        command, argv = argv.pop(place), [*argv, "--help"]  # help drill: drill --help
    if "--version" in argv:
        from importlib.metadata import version

        print(f"runner {version('llm-decision-runner')}")
        return 0
    if command not in COMMANDS:
        _check_flags("", argv)  # the word may be the value of one that we do not know
        raise ConfigError(f"no command '{command}'{did_you_mean(command, COMMANDS)}")
    if command == "eval" and {"--help", "-h"} & set(argv):
        command = "help"
    module = import_module(f"runner.commands.{command}")
    return int(module.main(argv))


_WITH_VALUE = {"--config-dir", "-cd", "--cfg", "-c"}  # which is no command
_FLAGS = {*_WITH_VALUE, "--multirun", "-m", "--help", "-h", "--version"}


def _first_word(argv: Sequence[str]) -> int | None:
    """Where the name of the command stands: flags and overrides may come before it."""
    before = ""
    for place, word in enumerate(argv):
        if before not in _WITH_VALUE and "=" not in word and word[:1] not in ("-", "~"):
            return place
        before = word
    return None


_TAKE = {"--config-dir": "write --config-dir my_conf", "--cfg": "write --cfg job"}


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        flag = message.removeprefix("argument ").partition(":")[0].partition("/")[0]
        raise ConfigError(f"{flag}: {_TAKE.get(flag, 'takes no value')}; see {self.prog} --help")


def parser(command: str, description: str | None) -> argparse.ArgumentParser:
    """Of the flags that every command takes, and what is `given` besides."""
    found = _Parser(
        prog=f"python -m runner {command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("given", nargs="*", metavar="key=value")
    own, cfg = "your own options, which come before ours", "print the composed config"
    found.add_argument("--config-dir", "-cd", metavar="DIR", help=own)
    found.add_argument("--cfg", "-c", choices=["job"], help=cfg)
    found.add_argument("--multirun", "-m", action="store_true", help=argparse.SUPPRESS)
    return found


def parse(command: str, description: str | None, argv: Sequence[str]) -> argparse.Namespace:
    """What is given to a command; `cfg` says whether to show its config. Raises ConfigError."""
    at = "" if command == "eval" else f"{command}: "
    _check_flags(at, argv)
    found = parser(command, description).parse_intermixed_args(list(argv))
    if found.config_dir == "":
        raise ConfigError(f"--config-dir: {_TAKE['--config-dir']}")
    if found.multirun and command != "eval":
        raise ConfigError(f"{at}takes one decision at a time; leave the sweep out")
    found.cfg = found.cfg is not None
    return found


def _check_flags(at: str, argv: Sequence[str]) -> None:
    """Raises ConfigError for one that there is not; none is part of a word, or shortened."""
    for word in argv:
        flag = word.partition("=")[0]
        if flag[:1] == "-" and len(word) > 1 and flag not in _FLAGS:
            flags = _FLAGS - {"--multirun"} if at else _FLAGS
            known = [each for each in flags if each[:2] == "--"]
            raise ConfigError(f"{at}no flag {flag}{did_you_mean(flag, known)}")


def _interrupted() -> RunnerError:
    from runner.pipeline.provenance import command

    return RunnerError(f"interrupted; nothing on disk is lost, go on with: {command()}")


def explain(error: RunnerError, code: int) -> int:
    """Say what is wrong on stderr, and return the exit code."""
    from runner.config.paths import builtin
    from runner.config.redact import learn
    from runner.config.terminal import say

    learn([builtin("conf")], sys.argv)  # the error may be of the words themselves
    say(str(error))
    return code
