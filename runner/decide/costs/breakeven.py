"""From which volume on a server of one's own costs less than an API: arithmetic, nothing is sent.

The API's cost is a line: `a` dollars a request. A server's is a staircase: `fixed` dollars, and
`step` more for each replica, of which one serves `capacity` requests a month. With k replicas it
costs no more than the API from (fixed + k step) / a requests on, up to k capacity. So

- the first such volume is on the lowest k with k (a capacity - step) >= fixed;
- it costs no more on a whole step, from its first request on, when
  k (a capacity - step) >= fixed + a capacity; from the step before the lowest such k on there is
  no volume left at which the API is cheaper;
- there is neither when a replica full of requests costs as much as the API or more.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from runner.config.schema import Price
from runner.decide.costs.monthly import usd_per_request
from runner.decide.costs.scenario import Server
from runner.decide.costs.workload import Workload

_HOUR = 3600  # seconds


@dataclass(frozen=True)
class Crossings:
    """Requests a month: below `first` the API always costs less, beyond `settled` it never does."""

    first: float
    settled: float


@dataclass(frozen=True)
class Month:
    """One volume, both ways."""

    requests: float
    api_usd: float
    server_usd: float
    replicas: int  # those that serve; spare ones are apart
    gpus: int

    @property
    def savings_usd(self) -> float:
        """What the server saves; below 0: what it costs more."""
        return self.api_usd - self.server_usd


@dataclass(frozen=True)
class BreakEven:
    """Everything that is assumed. Unless the API's price is `known`, nothing can be compared."""

    workload: Workload
    price: Price
    server: Server

    @cached_property
    def _api_usd(self) -> float | None:
        return usd_per_request(self.price, self.workload)

    @property
    def known(self) -> bool:
        """Whether the API has a price for every request of the workload."""
        return self._api_usd is not None

    @property
    def api_usd(self) -> float:
        """Of one request."""
        assert self._api_usd is not None
        return self._api_usd

    @cached_property
    def seconds(self) -> float:
        """Of one replica's time that one request takes, among as many others as it can serve."""
        server, workload = self.server, self.workload
        writing = workload.output_tokens / server.output_tokens_per_second
        if server.input_tokens_per_second is None:
            return writing
        return writing + workload.input_tokens / server.input_tokens_per_second

    @property
    def capacity(self) -> float:
        """Requests that one replica serves in a month."""
        server = self.server
        return _HOUR * server.serving_hours_per_month * server.utilisation / self.seconds

    @property
    def step_usd(self) -> float:
        """What one replica costs a month: rent and energy, as long as it is rented."""
        server = self.server
        energy = server.kilowatts_per_gpu * server.usd_per_kwh
        hour = server.gpus_per_replica * (server.gpu_usd_per_hour + energy)
        return hour * server.rented_hours_per_month

    @property
    def engineering_usd(self) -> float:
        return self.server.engineering_hours_per_month * self.server.engineering_usd_per_hour

    @property
    def fixed_usd(self) -> float:
        """What a server costs a month before its first request."""
        return self.server.spare_replicas * self.step_usd + self.engineering_usd

    def month(self, requests: float) -> Month:
        # Ten exactly full replicas must not become eleven by the noise of binary fractions.
        replicas = max(1, math.ceil(round(requests / self.capacity, 9)))
        return Month(
            requests=requests,
            api_usd=self.api_usd * requests,
            server_usd=self.fixed_usd + replicas * self.step_usd,
            replicas=replicas,
            gpus=(replicas + self.server.spare_replicas) * self.server.gpus_per_replica,
        )

    def crossings(self) -> Crossings | None:
        """None: there is no volume at which the server costs less."""
        full = self.api_usd * self.capacity  # what the API takes for a replica full of requests
        gain = full - self.step_usd
        if gain <= 0:
            return None
        first = max(1, math.ceil(round(self.fixed_usd / gain, 9)))
        settled = math.ceil(round((self.fixed_usd + full) / gain, 9)) - 1
        return Crossings(self._crossing(first), self._crossing(max(first, settled)))

    def _crossing(self, replicas: int) -> float:
        return (self.fixed_usd + replicas * self.step_usd) / self.api_usd


def curve(base: BreakEven, points: int = 12) -> list[Month]:
    """Up to twice the volume in question, or the last crossing, in round steps."""
    crossings = base.crossings()
    top = 2 * max(base.workload.requests_per_month, crossings.settled if crossings else 0)
    step = _round(top / points)
    return [base.month(number * step) for number in range(1, math.ceil(top / step) + 1)]


def _round(number: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50 …"""
    size = 10 ** math.floor(math.log10(max(number, 1)))
    return next(int(factor * size) for factor in (1, 2, 5, 10) if factor * size >= number)
