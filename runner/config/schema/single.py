"""A provider, and a pinned model with its price."""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, Never, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from runner.config.schema.base import (
    TOKENS_PER_BYTE,
    Data,
    Name,
    Output,
    Seconds,
    Share,
    Strict,
    Usd,
)

_Day = date  # where a field has its name


class Provider(Strict):
    """Where a request goes."""

    name: Name
    litellm: str  # litellm's prefix
    api_base: str | None = None  # None: `local` starts the server
    # The variable that holds the address, where it is each customer's own.
    api_base_env: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*_(API_BASE|ENDPOINT)$")
    # The name of the variable that holds the key, never the key; None: no key.
    api_key_env: str | None = Field(None, pattern=r"^[A-Z_][A-Z0-9_]*$")
    api_version: str | None = None  # of Azure's API
    region: str | None = None  # of a cloud
    project: str | None = None  # of a cloud
    # What else proves who asks. google: a token of its application default credentials; aws: a
    # signature on each request, with the keys that Amazon's own tools would find.
    credentials: Literal["google", "aws"] | None = None
    timeout: Seconds = 60.0
    data: Data = "third_party"  # where the text of a request ends up
    max_concurrency: int | None = Field(None, ge=1)
    rpm: int | None = Field(None, ge=1)
    tpm: int | None = Field(None, ge=1)
    max_reply_bytes: int = Field(16_000_000, ge=1000)  # a longer reply is given up
    regions: tuple[str, ...] = ()
    certifications: tuple[str, ...] = ()
    streams: bool = True  # False: it is asked for whole answers only
    compiled: bool = True  # false: litellm sends every request by itself
    documents: bool = False  # takes PDF files, for models that take images
    ids_move: bool = False  # it puts new models behind ids that stay: none of them is a pin

    @property
    def signs(self) -> bool:
        return self.credentials == "aws" and not self.api_key_env

    @model_validator(mode="after")
    def _address_without_secrets(self) -> Self:
        if self.api_base and "@" in self.api_base.partition("://")[2].partition("/")[0]:
            raise ValueError("api_base has a user or a password in it; name a key in api_key_env")
        if self.api_base and {"?", "#"} & set(self.api_base):
            raise ValueError("api_base ends before any ? or #; name a key in api_key_env")
        return self

    @model_validator(mode="before")
    @classmethod
    def _at_its_customers_address(cls, data: Any) -> Any:
        """The variable is read once, so that a record says where its run has asked."""
        if not isinstance(data, dict) or data.get("api_base") is not None:
            return data
        name = data.get("api_base_env")
        value = os.environ.get(name, "").strip().rstrip("/") if isinstance(name, str) else ""
        if value and not value.startswith(("http://", "https://")):
            raise ValueError(f"{name}: is no address; it begins with https://")
        return data | {"api_base": value} if value else data


class Rates(Strict):
    """US dollars per million tokens; None is unknown, which is not free."""

    input_usd_per_mtok: Usd | None
    output_usd_per_mtok: Usd | None
    cached_input_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None  # None: written at the price of input


class LongPrompt(Rates):
    """What a whole request costs once its prompt is longer than `above_tokens`."""

    above_tokens: int = Field(ge=1)


class Price(Rates):
    reasoning_usd_per_mtok: Usd | None = None  # None: reasoning is priced as output
    batch_discount: Share | None = None  # off both prices when a batch may take a day
    long_prompt: LongPrompt | None = None
    # Its first and its last day, where they are known. Not of the price: a record leaves them out.
    since: date | None = Field(None, alias="from", exclude=True)
    until: date | None = Field(None, exclude=True)
    checked: date
    source: str

    def holds(self, day: date) -> bool:
        return (self.since or day) <= day <= (self.until or day)


class ServerPrice(Strict):
    """What a server of one's own costs: by the hour, which the requests on it share."""

    usd_per_hour: Usd  # of one GPU, or of a machine that is taken for one
    gpus: int = Field(1, ge=1)  # that serve the model together
    utilisation: float = Field(gt=0, le=1)  # share of the time paid for in which it is at work
    checked: date | None = None
    source: str = "a server of one's own"

    @property
    def usd_per_busy_second(self) -> float:
        return self.usd_per_hour * self.gpus / 3600 / self.utilisation


def _priced_by(price: Any) -> str:
    by_hour = "usd_per_hour" in price if isinstance(price, dict) else isinstance(price, ServerPrice)
    return "server" if by_hour else "tokens"


AnyPrice = Price | ServerPrice
_AnyPrice = Annotated[
    Annotated[Price, Tag("tokens")] | Annotated[ServerPrice, Tag("server")],
    Discriminator(_priced_by),
]


def _ends(value: Any) -> Any:
    """One number is a range of its own."""
    return value if value is None or isinstance(value, list | tuple) else (value, value)


Milliseconds = Annotated[float, Field(ge=0)]


class Typical(Strict):
    """What to expect before measuring: a median from somebody else."""

    # A range where no one number is typical: a model that thinks first takes as long as it likes.
    ttft_ms: Annotated[
        tuple[Milliseconds, Milliseconds] | None,
        BeforeValidator(
            _ends, json_schema_input_type=Milliseconds | tuple[Milliseconds, Milliseconds] | None
        ),
    ] = None
    tokens_per_second: float | None = Field(None, gt=0)  # of one answer

    @model_validator(mode="after")
    def _from_low_to_high(self) -> Self:
        if self.ttft_ms is not None and self.ttft_ms[0] > self.ttft_ms[1]:
            raise ValueError("ttft_ms: the first number is the lower one")
        return self


class Reasoning(Strict):
    """How a model thinks before it answers, in the provider's words for its effort."""

    default: str | None = None  # unless told otherwise; none: it does not
    lowest: str | None = None  # that it takes; None: unknown


class Benchmark(Strict):
    """A score that somebody published. Those of another version or day may not compare."""

    value: float
    version: str | None = None
    date: _Day | None = None
    source: str | None = None


def _score(value: Any) -> Any:
    return {"value": value} if isinstance(value, int | float) else value


class Part(Strict):
    """A file inside a wheel of a package index, by exact version."""

    wheel: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+$")
    file: str


class Artifact(Strict):
    """The weights of an embedded model, and how llama.cpp serves them.

    Exactly one of `parts` (files in wheels, joined in order), `path` (your own GGUF) and `repo`
    (Hugging Face, by commit).
    """

    parts: tuple[Part, ...] = ()
    path: str | None = None
    repo: str | None = None
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{40}$")
    file: str | None = None
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = None
    slots: int = Field(2, ge=1)  # requests that the server works on at once
    context_tokens: int = Field(ge=1)  # of each slot
    chat_template: str | None = None  # Jinja; None: the one in the file

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.parts, self.path, self.repo))) != 1:
            raise ValueError("give exactly one of parts, path and repo")
        if self.repo and not (self.revision and self.file):
            raise ValueError("repo needs revision (a 40-digit commit) and file")
        if not self.path and not self.sha256:
            raise ValueError("give sha256: a download is used only when its hash is known")
        return self


class Single(Strict):
    """One pinned model at one provider."""

    kind: Literal["single"]
    name: Name
    id: str = Field(min_length=1)
    provider: Provider
    price: _AnyPrice | None = None  # of today; None: unknown
    # All that it had and will have, where they are dated. A record has the one that held.
    prices: tuple[Price, ...] = Field((), exclude=True)
    hosting: Literal["serverless", "dedicated"] | None = None  # by the token, or GPUs of one's own
    checked: date | None = None  # when the facts that are no price were looked up
    source: str | None = None  # and where
    caveats: dict[str, str] = Field({})  # what is to be known of a fact, by its key
    context_tokens: int = Field(ge=1)
    max_output_tokens: int | None = Field(None, ge=1)
    max_input_tokens: int | None = Field(None, ge=1)  # None: all of the context
    retires: date | None = None
    successor: str | None = None
    allow_unpinned: bool = False
    strengths: tuple[str, ...] = ()
    typical: Typical = Field(Typical())
    reasoning: Reasoning | None = None  # None: unknown, or it does not think before it answers
    benchmarks: dict[
        str,
        Annotated[
            Benchmark | None,
            BeforeValidator(_score, json_schema_input_type=float | Benchmark | None),
        ],
    ] = Field({})
    tokens_per_byte: float = Field(TOKENS_PER_BYTE, gt=0, le=1)  # of English text
    drop_params: tuple[str, ...] = ()  # what a task may ask for and this model can't be sent
    extra_body: dict[str, Any] = Field({})  # goes into the request as it is
    # What opens and closes reasoning in its answers, which is taken off; None: nothing is.
    reasoning_tags: tuple[str, str] | None = ("<think>", "</think>")
    compiled: bool = True  # false: litellm sends every request by itself
    vision: bool = False  # takes images
    outputs: tuple[Output, ...] = ("text", "json", "code")  # what it can be asked for
    artifact: Artifact | None = None  # set: we serve it ourselves

    @model_validator(mode="before")
    @classmethod
    def _priced_on_a_day(cls, data: Any) -> Any:
        """A list of prices, or one that starts or ends, is dated: the price is today's."""
        price = data.get("price") if isinstance(data, dict) else None
        if isinstance(price, list) or (isinstance(price, dict) and {"from", "until"} & set(price)):
            return data | {"price": None, "prices": price if isinstance(price, list) else [price]}
        return data

    @model_validator(mode="after")
    def _prices_in_order(self) -> "Single":
        for before, row in pairwise(self.prices):
            if row.since is None or row.since <= (before.since or date.min):
                raise ValueError("price: say from which day each price after the first one holds")
        return self if self.price else self.on(date.today())

    @model_validator(mode="after")
    def _is_told_how_much(self) -> Self:
        if "max_tokens" in self.drop_params:
            raise ValueError("drop_params: max_tokens can't be left out, costs are bounded by it")
        return self

    @model_validator(mode="after")
    def _tags_are_tags(self) -> Self:
        if self.reasoning_tags and not all(tag.strip() for tag in self.reasoning_tags):
            raise ValueError("reasoning_tags: give two, or null to leave answers as they are")
        return self

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        where = self.provider.api_base or self.provider.api_base_env
        if where is None and self.artifact is None:
            raise ValueError("provider.api_base: is missing; only weights of our own go without")
        return self

    @property
    def litellm_id(self) -> str:
        return f"{self.provider.litellm}/{self.id}"

    @property
    def enforces_schema(self) -> bool:
        return not {"json_schema", "response_format"} & set(self.drop_params)

    def parts(self) -> dict[str, Never]:
        """The models that it is made of: none."""
        return {}

    def on(self, day: date) -> "Single":
        """The same, at the price of a day."""
        return self.model_copy(update={"price": self._price_on(day)}) if self.prices else self

    def _price_on(self, day: date) -> Price | None:
        return next((row for row in reversed(self.prices) if row.holds(day)), None)

    def changes(self, day: date) -> Iterator[tuple[date, Price | None]]:
        """The days after `day` from which another price holds; None: nobody knows which."""
        starts = [row.since for row in self.prices if row.since]
        ends = [row.until + timedelta(days=1) for row in self.prices if row.until]
        price = self._price_on(day)
        for each in sorted({*starts, *ends}):
            if each > day and (then := self._price_on(each)) is not price:
                price = then
                yield each, price

    def at(self, api_base: str) -> "Single":
        """The same model, asked for at another address."""
        provider = self.provider.model_copy(update={"api_base": api_base})
        return self.model_copy(update={"provider": provider})
