"""The command line: the first bare word is the command (`eval` unless said), the rest is Hydra's.

Every error that can be explained ends here, as a line on stderr and an exit code (README).
"""

import argparse
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
    "models": "the catalogue: prices, context, speed, strengths, benchmarks, keys",
    "select": "which models are worth measuring, by a decision tree and your bounds",
    "cost": "what a month of requests costs with each model, or with a router",
    "breakeven": "from which volume on a server of your own costs less than an API",
    "compare": "two runs case by case: what is proven to have changed",
    "promote": "write a sweep's winner into a mapping, with a decision record",
    "drill": "what the chain does when its provider fails; offline and free",
    "checklist": "is a decision ready to ship? each line from evidence",
    "run": "apply a decision to new inputs: in production",
    "serve": "put a decision behind an OpenAI-compatible address",
    "spend": "what the runs on record have cost, with alerts",
    "drift": "does a promoted decision still hold? a few of its cases, asked again",
    "report": "rebuild the report of a run or a sweep from its journals",
    "check": "compose and check every file of conf/ and tasks/",
    "schema": "the JSON schema of a group's files, for your editor",
    "help": "this page",
}

_LONGEST = 2000  # characters of a line that is said; what somebody typed may be endless


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        return _dispatch(list(sys.argv[1:] if argv is None else argv))
    except ConfigError as error:
        return explain(error, CONFIG_EXIT)
    except RunnerError as error:
        return explain(error, INCOMPLETE_EXIT)
    except KeyboardInterrupt:
        return explain(_interrupted(), INTERRUPT_EXIT)
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


def _bug() -> int:
    from runner.config.redact import redact

    sys.stderr.write(redact(traceback.format_exc()))
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
    if command not in COMMANDS:
        raise ConfigError(f"no command '{command}'{did_you_mean(command, COMMANDS)}")
    if command == "eval" and {"--help", "-h"} & set(argv):
        command = "help"
    if command == "eval" and "--version" in argv:
        from importlib.metadata import version

        print(f"runner {version('llm-decision-runner')}")
        return 0
    module = import_module(f"runner.commands.{command}")
    return int(module.main(argv))


# Hydra's flags and ours that take a value, which is no command.
_WITH_VALUE = {
    *("--config-dir", "-cd", "--cfg", "-c", "--package", "-p", "--config-name", "-cn"),
    *("--config-path", "-cp", "--experimental-rerun"),
}


def _first_word(argv: Sequence[str]) -> int | None:
    """Where the name of the command stands: flags and overrides may come before it."""
    before = ""
    for place, word in enumerate(argv):
        if before not in _WITH_VALUE and "=" not in word and word[:1] not in ("-", "~"):
            return place
        before = word
    return None


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        command = self.prog.rpartition(" ")[2]
        said = message.removeprefix("argument ")
        raise ConfigError(f"{command}: {said}; see {self.prog} --help")


def parse(command: str, description: str | None, argv: Sequence[str]) -> argparse.Namespace:
    """The flags that every command takes, and what is `given` besides. Raises ConfigError."""
    parser = _Parser(
        prog=f"python -m runner {command}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("given", nargs="*", metavar="key=value")
    parser.add_argument("--config-dir", "-cd", help="your own options, which come before ours")
    parser.add_argument("--cfg", "-c", choices=["job"], help="print the composed config")
    parser.add_argument("--multirun", "-m", action="store_true", help=argparse.SUPPRESS)
    found, strange = parser.parse_known_intermixed_args(list(argv))
    if strange:
        flags = ["--config-dir", "--cfg", "--help"]
        raise ConfigError(f"{command}: no flag {strange[0]}{did_you_mean(strange[0], flags)}")
    if found.multirun:
        raise ConfigError(f"{command}: takes one decision at a time; leave the sweep out")
    return found


def _interrupted() -> RunnerError:
    from runner.pipeline.provenance import command

    return RunnerError(f"interrupted; nothing on disk is lost, go on with: {command()}")


def explain(error: RunnerError, code: int) -> int:
    """Say what is wrong on stderr, and return the exit code."""
    from runner.config.redact import redact

    for line in redact(str(error)).splitlines():
        shown = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
        print(f"runner: {shown}", file=sys.stderr)
    return code
