"""Proofs for tracing: what a collector gets to see of a case, and what a dead one may cost."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from runner.config.redact import api_key
from runner.config.schema import Job, Single, Tracing
from runner.errors import ConfigError
from runner.pipeline.tracing import Tracer, check_tracing
from runner.pipeline.tracing.spans import Described, describe
from runner.record.outcomes import Answered, Attempt, Choice, Failed, Score, Usage
from tests.conftest import KEY, model

pytest.importorskip("opentelemetry.exporter.otlp.proto.http")

SINGLE = Single.model_validate(model("https://api.example.org/v1"))
MODELS = {SINGLE.name: SINGLE}
USAGE = Usage(input_tokens=12, output_tokens=3, cached_input_tokens=4, reasoning_tokens=1)
START = 1_795_435_200_000_000_000  # 2026-11-23T12:00:00Z
SECOND = 1_000_000_000


def attempt(second: int, **changes: Any) -> Attempt:
    given: dict[str, Any] = {
        "model": "demo-model",
        "provider": "loopback",
        "at": f"2026-11-23T12:00:{second:02}.000+00:00",
        "seconds": 0.5,
        "waited_seconds": 0.0,
        "cost_usd": 0.001,
        "http_requests": 1,
        "status": 200,
        "usage": USAGE,
    }
    return Attempt.model_validate(given | changes)


RATE_LIMITED = attempt(
    0, status=429, error="rate_limit", message="slow down", usage=None, cost_usd=0.0
)


def common(attempts: list[Attempt]) -> dict[str, Any]:
    return {
        "case": "c1",
        "repeat": 0,
        "model": "demo-model",
        "key": "k",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is it?"},
        ],
        "request": {"temperature": 0.0, "max_completion_tokens": 64, "stop": "END"},
        "cost_usd": 0.001,
        "seconds": 1.0,
        "queued_seconds": 0.25,
        "attempts": attempts,
    }


def answered(*attempts: Attempt, **changes: Any) -> Answered:
    given = {
        "served_by": "demo-model",
        "model_served": "demo-model-2026-01-01",
        "reply": "A cat.",
        "finish_reason": "stop",
        "usage": USAGE,
        "scores": {"exact": Score(value=1.0, why="equal")},
    }
    return Answered(**common(list(attempts)) | given | changes)


def failed(*attempts: Attempt, **changes: Any) -> Failed:
    given = {"kind": "rate_limit", "error": "rate_limit: slow down"}
    return Failed(**common(list(attempts)) | given | changes)


def described(
    outcome: Answered | Failed, content: bool = False
) -> tuple[Described, list[Described]]:
    return describe(outcome, "demo", MODELS, content)


def test_who_sent_it() -> None:
    """What litellm sent has the same span as what we sent, and why it did."""
    _, [ours] = described(answered(attempt(1)))
    _, [theirs] = described(answered(attempt(1, by_litellm="each is signed")))
    assert "runner.by_litellm" not in ours.attributes
    assert theirs.attributes == ours.attributes | {"runner.by_litellm": "each is signed"}


def test_an_attempt_in_the_words_of_the_conventions() -> None:
    """A chat span has the model, the tokens, the sampling on the wire and who was asked."""
    _, [span] = described(answered(attempt(1)))
    assert span.name == "chat demo-model-2026-01-01"
    assert (span.start, span.end) == (START + SECOND, START + 3 * SECOND // 2)
    assert {k: v for k, v in span.attributes.items() if not k.startswith("runner.")} == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "demo-model-2026-01-01",
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 64,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.model": "demo-model-2026-01-01",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cache_creation.input_tokens": 0,
        "gen_ai.usage.reasoning.output_tokens": 1,
        "server.address": "api.example.org",
        "server.port": 443,
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"generationConfig": {"max_output_tokens": 9}}, "max_tokens", 9),
        ({"options": {"num_predict": 9}}, "max_tokens", 9),
        ({"random_seed": 7}, "seed", 7),
        ({"stop_sequences": ["A", "B"]}, "stop_sequences", ["A", "B"]),
    ],
    ids=["gemini", "ollama", "mistral", "anthropic"],
)
def test_sampling_as_each_provider_spells_it(body: dict[str, Any], name: str, value: Any) -> None:
    """One name for what providers put in different places of a request."""
    _, [span] = described(answered(attempt(1), request=body))
    assert span.attributes[f"gen_ai.request.{name}"] == value


def test_what_is_not_known_is_left_out() -> None:
    """No usage and no price make no zeros."""
    _, [span] = described(answered(attempt(1, usage=None, cost_usd=None), usage=None))
    assert not [name for name in span.attributes if "usage" in name or "cost" in name]


def test_an_address_that_is_none_is_left_out() -> None:
    """A typing error in a provider's address ends no run: its requests have failed already."""
    broken = Single.model_validate(model("http://127.0.0.1:80o0"))
    _, [span] = describe(failed(RATE_LIMITED), "demo", {broken.name: broken}, content=False)
    assert "server.address" not in span.attributes


def test_only_the_attempt_that_stood_has_the_answer() -> None:
    """In a cascade the answer belongs to the arm that served it, not to those before."""
    first, last = attempt(0, arm="cheap"), attempt(1, arm="strong")
    choice = Choice(model="steps", arm="strong", how="escalated")
    outcome = answered(first, last, arm="strong", choices=[choice])
    case, [cheap, strong] = described(outcome, content=True)
    assert "gen_ai.output.messages" not in cheap.attributes
    assert "gen_ai.response.finish_reasons" not in cheap.attributes
    assert strong.attributes["gen_ai.response.finish_reasons"] == ["stop"]
    assert case.attributes["runner.choices"] == ["steps: strong"]


def test_a_case_covers_all_its_attempts() -> None:
    """From the first attempt to the end of the last, with the judge's after the answer."""
    judge = attempt(7, role="judge", model="a-judge")
    case, [error, answer, judged] = described(
        answered(RATE_LIMITED, attempt(3, waited_seconds=2.5), judging=[judge])
    )
    assert (case.start, case.end) == (START, START + 15 * SECOND // 2)
    assert (error.error, error.message) == ("rate_limit", "slow down")
    assert answer.attributes["runner.waited_seconds"] == 2.5
    assert judged.name == "chat a-judge"
    assert judged.attributes["runner.role"] == "judge"
    assert case.error is None
    assert case.attributes["runner.score.exact"] == 1.0


def test_a_failed_case_is_an_error() -> None:
    """It has the kind and the words of its error, and no score."""
    case, [_] = described(failed(RATE_LIMITED))
    assert (case.error, case.message) == ("rate_limit", "rate_limit: slow down")
    assert not [name for name in case.attributes if "score" in name]


def test_nothing_asked_is_a_case_all_the_same() -> None:
    """A case whose models were all left alone fails without attempts."""
    case, attempts = described(failed(kind="circuit_open"))
    assert (case.error, attempts) == ("circuit_open", [])


def test_texts_only_where_wanted() -> None:
    """Without `content` no word of a prompt or an answer is in any span."""
    secret = "What is it?", "A cat.", "Be brief."
    case, [span] = described(answered(attempt(1)))
    assert not [text for text in secret if text in str([case, span])]


def test_texts_as_the_conventions_have_them() -> None:
    """Prompts and answers are JSON of roles and parts, without keys that stand in them."""
    api_key(SINGLE)
    _, [span] = described(answered(attempt(1), reply=f"It is {KEY}."), content=True)
    assert json.loads(span.attributes["gen_ai.input.messages"])[1] == {
        "role": "user",
        "parts": [{"type": "text", "content": "What is it?"}],
    }
    assert json.loads(span.attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "It is [redacted]."}],
            "finish_reason": "stop",
        }
    ]


@dataclass
class Collector:
    """A collector on the loopback interface; it keeps what was posted."""

    status: int = 200
    posted: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)
    endpoint: str = ""

    def spans(self) -> list[Any]:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        return [
            span
            for _, _, body in self.posted
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    state = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.posted.append((self.path, dict(self.headers), body))
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield state
        server.shutdown()


@pytest.fixture
def traced(config: dict[str, Any], make_job: Callable[..., Job]) -> Callable[[str], Job]:
    def make(endpoint: str) -> Job:
        config["tracing"] = {"endpoint": endpoint, "data": "on_device", "content": True}
        return make_job("http://127.0.0.1:9/v1")

    return make


def test_a_collector_gets_one_trace_a_case(
    traced: Callable[[str], Job], collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over OTLP/HTTP: attempts below their case, each case a trace of its own."""
    tracer = Tracer(traced(collector.endpoint))
    tracer.outcome(answered(RATE_LIMITED, attempt(1)))
    tracer.outcome(failed(RATE_LIMITED))
    tracer.close()
    assert {path for path, _, _ in collector.posted} == {"/v1/traces"}
    spans = collector.spans()
    cases = [span for span in spans if not span.parent_span_id]
    assert [span.name for span in cases] == ["case demo", "case demo"]
    assert len({span.trace_id for span in spans}) == 2
    below = [span for span in spans if span.parent_span_id == cases[0].span_id]
    assert [span.name for span in below] == ["chat demo-model-2026-01-01"] * 2
    assert below[1].start_time_unix_nano == START + SECOND
    assert (below[0].kind, below[0].status.code, below[0].status.message) == (3, 2, "slow down")
    assert {a.key: a.value.string_value for a in below[0].attributes}["error.type"] == "rate_limit"
    assert capsys.readouterr().err == ""


def test_credentials_come_from_the_environment(
    traced: Callable[[str], Job], collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a collector wants to see in the head of a request is in OpenTelemetry's variable."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")
    tracer = Tracer(traced(collector.endpoint))
    tracer.outcome(answered(attempt(1)))
    tracer.close()
    assert collector.posted[0][1]["authorization"] == "Basic abc"


def test_the_whole_url_is_taken_too(traced: Callable[[str], Job], collector: Collector) -> None:
    """An endpoint that names /v1/traces already is left as it is."""
    tracer = Tracer(traced(f"{collector.endpoint}/v1/traces/"))
    tracer.outcome(answered(attempt(1)))
    tracer.close()
    assert collector.posted[0][0] == "/v1/traces"


def test_a_refusing_collector_costs_a_line(
    traced: Callable[[str], Job], collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    """Spans that were turned away are counted on stderr, with the reason, and nothing raises."""
    collector.status = 400
    tracer = Tracer(traced(collector.endpoint))
    tracer.outcome(answered(attempt(1)))
    tracer.close()
    said = capfd.readouterr().err
    url = f"{collector.endpoint}/v1/traces"
    assert said.startswith(f"tracing: 2 of 2 spans did not reach {url}: ")
    assert "400" in said
    assert said.count("\n") == 1


def test_the_log_of_the_run_stays_clean(traced: Callable[[str], Job], collector: Collector) -> None:
    """What OpenTelemetry logs of failures does not reach the handlers of the program."""
    collector.status = 400
    heard: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            heard.append(record.name)

    handler = Handler()
    logging.getLogger().addHandler(handler)
    try:
        tracer = Tracer(traced(collector.endpoint))
        tracer.outcome(answered(attempt(1)))
        tracer.close()
    finally:
        logging.getLogger().removeHandler(handler)
    assert not [name for name in heard if name.startswith("opentelemetry")]


def test_a_dead_collector_loses_the_oldest(
    traced: Callable[[str], Job], collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    """More spans than may wait are dropped and counted: memory stays flat."""
    collector.status = 400
    tracer = Tracer(traced(collector.endpoint))
    for _ in range(2_000):
        tracer.outcome(answered(attempt(1)))
    tracer.close()
    assert capfd.readouterr().err.startswith("tracing: 4000 of 4000 spans did not reach ")


@pytest.mark.parametrize(
    "endpoint", ["127.0.0.1:4318", "localhost", "ftp://here", "http://", "http://a:b"]
)
def test_an_endpoint_is_a_url(endpoint: str) -> None:
    """What no span could be sent to is refused before anything is."""
    with pytest.raises(ConfigError, match="is no URL of a collector; write for example http://"):
        check_tracing(Tracing(endpoint=endpoint, data="on_device"))


def test_no_credentials_in_the_endpoint() -> None:
    """A password in a file is refused, without being repeated."""
    with pytest.raises(ConfigError, match="OTEL_EXPORTER_OTLP_HEADERS") as error:
        check_tracing(Tracing(endpoint="https://me:hunter2@example.org", data="third_party"))
    assert "hunter2" not in str(error.value)


NOT_INSTALLED = """
import sys
sys.modules["opentelemetry"] = None
from runner.errors import ConfigError
from runner.config.schema import Tracing
from runner.pipeline.tracing import check_tracing
try:
    check_tracing(Tracing(endpoint="http://127.0.0.1:4318", data="on_device"))
except ConfigError as error:
    print(error)
"""


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_missing_extra_is_named() -> None:
    """Where opentelemetry is not installed, the command that installs it is the error."""
    said = "tracing: needs opentelemetry: pip install 'llm-decision-runner[otel]'"
    assert python(NOT_INSTALLED) == said


def test_off_by_default(make_job: Callable[..., Job]) -> None:
    """Without `tracing:` outcomes go nowhere."""
    tracer = Tracer(make_job("http://127.0.0.1:9/v1"))
    tracer.outcome(answered(attempt(1)))
    tracer.close()


def test_off_is_free() -> None:
    """Without `tracing:` opentelemetry is not imported."""
    code = (
        "import sys, runner.pipeline.tracing, runner.pipeline.tracing.spans; "
        "print('opentelemetry' in sys.modules)"
    )
    assert python(code) == "False"
