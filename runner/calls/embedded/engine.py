"""llama.cpp inside this process (xllamacpp's only home)."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import Any

from runner.errors import ConfigError

SILENT, ERRORS_ONLY = 0, 1  # llama.cpp's verbosity; the setting is global to the process
EXPLAIN_SECONDS = 60


@dataclass(frozen=True)
class EngineSettings:
    """What a server is started with; `context_tokens` is what each slot gets."""

    model: str
    name: str
    slots: int
    context_tokens: int
    cores: int
    chat_template: str | None


class Engine:
    """A running server on a free port of loopback; its threads end with the process."""

    def __init__(self, settings: EngineSettings) -> None:
        """Load the model; blocks the whole interpreter meanwhile, for xllamacpp keeps the GIL.

        Raises ConfigError when the extra is missing or llama.cpp refuses the model.
        """
        try:
            self._server = _start(settings, SILENT)
        except RuntimeError as error:
            reason = _why_not(settings) or str(error)
            raise ConfigError(f"llama.cpp can't serve {settings.model}: {reason}") from error
        self.address: str = self._server.listening_address

    def close(self) -> None:
        """Stop the server and free its port; requests in flight end with an error."""
        self._server = None  # the last reference: the destructor ends the threads


def _start(settings: EngineSettings, verbosity: int) -> Any:
    llama = library()
    params = llama.CommonParams()
    params.verbosity = verbosity
    params.model.path = settings.model
    params.model_alias = {settings.name}
    params.n_parallel = settings.slots
    params.n_ctx = settings.context_tokens * settings.slots
    # Reading a prompt is arithmetic and gains from every core; writing waits for memory, and there
    # the threads' waiting for one another costs more than the second of two cores brings.
    params.cpuparams_batch.n_threads = settings.cores
    params.cpuparams.n_threads = max(1, settings.cores // 2)
    if settings.chat_template is not None:
        params.chat_template = settings.chat_template
    # The cases of a task begin alike, and a slot reads that part once: a quarter of the time saved.
    # The price is that rounding, and with it a few greedy answers, may differ from run to run.
    params.cache_prompt = True
    params.cache_ram_mib = 0
    params.cache_idle_slots = False
    params.n_ctx_checkpoints = 0
    params.ctx_shift = False  # too long is an error, never a silent truncation
    params.fit_params = False  # would shrink the context to fit the memory
    params.sampling.temp = 0.0  # for a request that names no temperature
    params.ui = False
    return llama.Server(params)


def library() -> Any:
    """xllamacpp, imported only when a server is needed: it is an extra, and 100 MB large.

    Raises ConfigError.
    """
    # llama.cpp's threads wait for one another at every step, by spinning unless told otherwise:
    # one that shares its core with another program then slows them all, up to ten times.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp
    except ModuleNotFoundError as error:
        raise ConfigError(
            "the embedded model needs the extra: pip install -e '.[local]'"
        ) from error
    except ImportError as error:
        raise ConfigError(f"xllamacpp is installed but does not load: {error}") from error
    return xllamacpp


def _why_not(settings: EngineSettings) -> str | None:
    """Start once more in a child that may speak, and return the reason it gives.

    llama.cpp writes to the process's stderr from threads of its own; a child's can be read whole.
    """
    done = subprocess.run(
        [sys.executable, "-m", __name__, json.dumps(asdict(settings))],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=EXPLAIN_SECONDS,
        check=False,
    )
    errors = (line.partition(" E ")[2] for line in done.stderr.splitlines())
    return next((error for error in errors if error), None)  # the later ones follow from the first


if __name__ == "__main__":
    try:
        _start(EngineSettings(**json.loads(sys.argv[1])), ERRORS_ONLY)
    except RuntimeError:  # has no reason in it, and its traceback would run into llama.cpp's lines
        sys.exit(1)
