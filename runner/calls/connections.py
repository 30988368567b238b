"""The connections that requests go over: one session, whose calls the Wire that is current sees.

Of litellm's requests too. Redirects are refused. A request on a connection that the server had
closed meanwhile is sent once more, and proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY.
"""

import os
import ssl
from contextvars import ContextVar
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, NoReturn
from urllib.request import getproxies

import aiohttp
import certifi
from aiohttp.client_proto import ResponseHandler

from runner.calls.wire import PROXY_REFUSED, Broken, Wire, current
from runner.errors import ConfigError

# A server that had closed a connection says so within a round trip; one that takes longer had
# begun to read, and may be paid.
_AT_ONCE_SECONDS = 1.0
_OWN_MACHINE = ("127.0.0.1", "localhost", "::1")
_CLOSED = (
    aiohttp.ServerDisconnectedError,
    aiohttp.ClientOSError,
    aiohttp.ClientConnectionResetError,
)


def session(unix_socket: str | None = None) -> aiohttp.ClientSession:
    """Whose every call is seen by the Wire that is `current`. Raises ConfigError.

    With `unix_socket` all addresses are reached there.
    """
    _spare_loopback_the_proxy()
    # litellm sets its own time-outs on each request; aiohttp's default of 5 minutes in all and of
    # 100 connections would come on top of them.
    return aiohttp.ClientSession(
        connector=_Unix(unix_socket, limit=0)
        if unix_socket
        else _Tcp(limit=0, ssl=_certificates()),
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_tracing()],
        middlewares=[_sent_once_more],
        trust_env=_proxied(),
    )


class _Listening(ResponseHandler):
    """A connection that counts the bytes that came of it, over all its requests."""

    heard = 0

    def data_received(self, data: bytes) -> None:
        self.heard += len(data)
        super().data_received(data)


class _Use:
    """Of a connection by one request."""

    anew = False  # on one that no other request was on
    kept = False  # there were others on it
    _connection: Any = None
    _before = 0  # bytes that had come on it

    def of(self, connection: aiohttp.connector.Connection) -> bool:
        """Whether it may be used; False only where another is wanted."""
        self._connection = connection.protocol
        self._before = getattr(connection.protocol, "heard", 0)
        self.kept = self._before > 0
        return not (self.anew and self.kept)

    @property
    def unanswered(self) -> bool:
        """Whether no byte has come."""
        return getattr(self._connection, "heard", None) == self._before


_use: ContextVar[_Use | None] = ContextVar("use", default=None)


class _Watched(aiohttp.BaseConnector):
    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        # Not of aiohttp's public interface. Without it nothing would be sent once more.
        listening: Any = partial(_Listening, loop=self._loop)
        self._factory = listening

    async def connect(self, req: aiohttp.ClientRequest, *args: Any, **how: Any) -> Any:
        use, wire = _use.get(), current.get()
        if wire and req.proxy:
            wire.proxy = str(req.proxy.origin())  # without a user's name and password
        connection = await super().connect(req, *args, **how)
        while use and not use.of(connection):
            connection.close()  # the server is closing them
            connection = await super().connect(req, *args, **how)
        return connection


class _Tcp(_Watched, aiohttp.TCPConnector):
    pass


class _Unix(_Watched, aiohttp.UnixConnector):
    pass


async def _sent_once_more(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Servers close what was idle for a while: a request may come too late, and was never read."""
    use, wire = _Use(), current.get()
    _use.set(use)
    try:
        return await send(request)
    except _CLOSED:
        if not (wire and use.kept and use.unanswered and wire.seconds <= _AT_ONCE_SECONDS):
            raise
    wire.http_requests += 1
    wire.sent = None
    wire.body.clear()
    use.anew = True
    return await send(request)


def _proxied() -> bool:
    """aiohttp would look for proxies, and into ~/.netrc, in two threads for each request."""
    return not {"http", "https"}.isdisjoint(getproxies())


def _certificates() -> ssl.SSLContext:
    file = os.environ.get("SSL_CERT_FILE") or certifi.where()
    try:
        return _trusting(file)
    except OSError as error:
        raise ConfigError(f"SSL_CERT_FILE: {file}: {error.strerror}") from None


@cache  # reading the certificates takes 25 ms
def _trusting(file: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=file)


def _spare_loopback_the_proxy() -> None:
    """A model on this machine is not to be reached by way of HTTP_PROXY."""
    given = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    names = [name.strip() for name in given.split(",") if name.strip()]
    if "*" not in names:
        names += [name for name in _OWN_MACHINE if name not in names]
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join(names)


def _tracing() -> aiohttp.TraceConfig:
    async def started(_s: Any, _c: SimpleNamespace, p: aiohttp.TraceRequestStartParams) -> None:
        if wire := current.get():
            wire.http_requests += 1
            for start in wire.starts:
                start()
            wire.body.clear()
            # We read what passes by, and a compressor would hold back the tokens of a stream.
            p.headers["Accept-Encoding"] = "identity"

    async def headers(_s: Any, _c: Any, _p: aiohttp.TraceRequestHeadersSentParams) -> None:
        if (wire := current.get()) and wire.sent is None:
            wire.sent = wire.clock()

    async def chunk(_s: Any, _c: Any, p: aiohttp.TraceRequestChunkSentParams) -> None:
        if wire := current.get():
            wire.body.append(p.chunk)

    async def answered(_s: Any, _c: Any, p: aiohttp.TraceRequestEndParams) -> None:
        wire = current.get()
        if wire and 300 <= p.response.status < 400:
            refuse(wire, p.response)
        if wire:
            wire.answered(p.response)

    async def redirected(_s: Any, _c: Any, p: aiohttp.TraceRequestRedirectParams) -> None:
        refuse(current.get(), p.response)

    def refuse(wire: Wire | None, response: aiohttp.ClientResponse) -> NoReturn:
        """The key and the prompt would go to a place that nobody has configured."""
        if wire:
            wire.status, wire.received = response.status, wire.clock()
            wire.location = response.headers.get("location", "")
        response.close()
        raise Broken("a redirect")

    async def broken(_s: Any, _c: Any, p: aiohttp.TraceRequestExceptionParams) -> None:
        wire = current.get()
        if wire and isinstance(p.exception, aiohttp.ClientHttpProxyError):
            wire.sent = None  # but to the proxy
            if p.exception.status == PROXY_REFUSED:
                wire.status, wire.received = p.exception.status, wire.clock()
        if wire and isinstance(p.exception, aiohttp.ClientError):
            # litellm would post once more, unasked, on an exception that it knows.
            raise Broken(str(p.exception))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(started)
    trace.on_request_headers_sent.append(headers)
    trace.on_request_chunk_sent.append(chunk)
    trace.on_request_end.append(answered)
    trace.on_request_redirect.append(redirected)
    trace.on_request_exception.append(broken)
    return trace
