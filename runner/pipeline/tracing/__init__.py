"""Spans of every case for a collector, where `tracing:` asks for them.

Without it nothing happens here, and opentelemetry is neither needed nor imported.
"""

import sys
from importlib.util import find_spec
from urllib.parse import urlsplit

from runner.config.schema import Job, Tracing
from runner.config.terminal import clean
from runner.errors import ConfigError
from runner.record.outcomes import Answered, Failed

_NEEDED = "opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http"


class Tracer:
    """Of one run, once its models' addresses are known. Raises ConfigError as `check_tracing`."""

    def __init__(self, job: Job) -> None:
        self._export = None
        if job.tracing:
            check_tracing(job.tracing)
            from runner.pipeline.tracing.export import Export

            self._export = Export(job, job.tracing)

    def outcome(self, outcome: Answered | Failed) -> None:
        """Hand over the record of one case; waits for nobody."""
        if self._export:
            self._export.outcome(outcome)

    def close(self) -> None:
        """Send what still waits, which takes seconds at most; say on stderr what was lost."""
        if self._export and (problem := self._export.close()):
            print(clean(problem), file=sys.stderr)


def check_tracing(tracing: Tracing) -> None:
    """Raise ConfigError when no span could be sent."""
    if "@" in tracing.endpoint:  # which is not repeated: it may hold a password
        raise ConfigError(
            "tracing.endpoint: credentials do not belong in a file; "
            "set OTEL_EXPORTER_OTLP_HEADERS in the environment"
        )
    if not _is_url(tracing.endpoint):
        raise ConfigError(
            f"tracing.endpoint: '{tracing.endpoint}' is no URL of a collector; "
            "write for example http://127.0.0.1:4318"
        )
    if not all(map(_installed, _NEEDED)):
        raise ConfigError("tracing: needs opentelemetry: pip install 'llm-decision-runner[otel]'")


def _is_url(endpoint: str) -> bool:
    try:
        url = urlsplit(endpoint)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is no number
        return False


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False
