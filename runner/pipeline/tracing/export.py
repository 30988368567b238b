"""Spans on their way to a collector: the only home of opentelemetry.

All is read off the record of a finished case, its times too, so that nothing here is in the way of
a request. Credentials for the collector come from OTEL_EXPORTER_OTLP_HEADERS.
"""

import logging
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from runner.config.redact import redact
from runner.config.schema import Job, Tracing
from runner.pipeline.tracing.spans import Described, describe
from runner.record.outcomes import Answered, Failed

_EXPORT_SECONDS = 2.0  # for one batch, its repetitions included
_CLOSE_SECONDS = 5.0  # for all that is left at the end
# Spans that wait for the collector; beyond them the oldest are dropped. Texts make spans big.
_QUEUE, _QUEUE_WITH_CONTENT = 4096, 512


class Export:
    """Sends the spans of one run to `job.tracing.endpoint`, from a thread of its own."""

    def __init__(self, job: Job, tracing: Tracing) -> None:
        self._task = job.task.name
        self._models = {model.name: model for model in job.models.values()}
        self._content = tracing.content
        self._endpoint = traces_url(tracing.endpoint)
        self._delivery = Delivery(OTLPSpanExporter(self._endpoint, timeout=_EXPORT_SECONDS))
        queue = _QUEUE_WITH_CONTENT if self._content else _QUEUE
        release = version("llm-decision-runner")
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "runner", "service.version": release}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(self._delivery, queue, max_export_batch_size=queue // 8)
        )
        self._tracer = self._provider.get_tracer("runner", release)
        self._made = 0

    def outcome(self, outcome: Answered | Failed) -> None:
        """Queue the spans of a case, as a trace of their own; the oldest give way to them."""
        described, attempts = describe(outcome, self._task, self._models, self._content)
        case = self._started(described, SpanKind.INTERNAL, Context())
        below = set_span_in_context(case, Context())
        for attempt in attempts:
            self._started(attempt, SpanKind.CLIENT, below).end(attempt.end)
        case.end(described.end)

    def _started(self, described: Described, kind: SpanKind, context: Context) -> Span:
        span = self._tracer.start_span(
            described.name, context, kind, described.attributes, start_time=described.start
        )
        if described.error:
            span.set_attribute("error.type", described.error)
            message = redact(described.message or described.error)
            span.set_status(Status(StatusCode.ERROR, message))
        self._made += span.is_recording()  # OTEL_TRACES_SAMPLER may leave some out
        return span

    def close(self) -> str | None:
        """Send what waits, within seconds; return what to say of spans that did not get there."""
        self._delivery.finish_by(time.monotonic() + _CLOSE_SECONDS)
        self._provider.shutdown()
        lost = self._made - self._delivery.delivered
        if not lost:
            return None
        why = f": {self._delivery.last_word}" if self._delivery.last_word else ""
        return f"tracing: {lost} of {self._made} spans did not reach {self._endpoint}{redact(why)}"


class Delivery(SpanExporter):
    """Counts what arrives, and gives up at the end: a dead collector is not waited for."""

    def __init__(self, exporter: SpanExporter) -> None:
        self.delivered = 0
        self._exporter = exporter
        self._deadline: float | None = None
        self._log = _hear()

    @property
    def last_word(self) -> str:
        return self._log.last_word

    def finish_by(self, deadline: float) -> None:
        """`deadline` is in time.monotonic()."""
        self._deadline = deadline

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._deadline is not None and time.monotonic() > self._deadline:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.delivered += len(spans)
        elif self._deadline is not None:
            self._deadline = 0.0  # the others would fare no better
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()


class _LastWord(logging.Handler):
    """Keeps what OpenTelemetry logs off the terminal, and why an export failed for the end."""

    last_word = _warned = ""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith("opentelemetry.exporter"):
            return
        if record.levelno >= logging.ERROR:
            # When retrying was of no use, the error says just that, and the warning before it why.
            self.last_word, self._warned = self._warned or record.getMessage(), ""
        elif record.levelno == logging.WARNING:
            self._warned = record.getMessage()


@cache
def _hear() -> _LastWord:
    handler = _LastWord()
    logger = logging.getLogger("opentelemetry")
    logger.addHandler(handler)
    logger.propagate = False
    return handler


def traces_url(endpoint: str) -> str:
    """The collector's base URL or the whole one: OTLP/HTTP takes spans at /v1/traces."""
    return endpoint.rstrip("/").removesuffix("/v1/traces") + "/v1/traces"
