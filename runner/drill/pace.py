"""A drill runs faster than its config says, and speaks of the config's own times.

Every time that a job sets is divided by one factor. What the machine itself needs for a request is
not, so no time that ends a request or a case may become as short as that. Time-outs of minutes
are over in a second, yet sockets, retries, limits and the circuit are the real ones; a clock that
jumped could not tell an idle socket from one whose bytes are still under way.
"""

from runner.config.schema import Job, Retry, Single

_LEAST_SECONDS = 1.0  # of real time: requests on a busy machine are over well before


def highest(job: Job, wanted: float) -> float:
    """The factor at which the shortest time-out of a job is still a real one."""
    limits = [model.provider.timeout for model in job.models.values()]
    if job.retry.attempts > 1:
        limits.append(job.retry.total)
    return max(1.0, min(wanted, min(limits) / _LEAST_SECONDS))


def faster(job: Job, speed: float) -> Job:
    """The same job in a world where all of its times are shorter."""

    def hurried(model: Single) -> Single:
        provider = model.provider
        changes = {
            "timeout": provider.timeout / speed,
            "rpm": provider.rpm and round(provider.rpm * speed),
            "tpm": provider.tpm and round(provider.tpm * speed),
        }
        return model.model_copy(update={"provider": provider.model_copy(update=changes)})

    hurried_job = job.with_singles(hurried)
    return hurried_job.model_copy(update={"retry": _retry(job.retry, speed)})


def _retry(retry: Retry, speed: float) -> Retry:
    times = ("initial_wait", "max_wait", "jitter", "total")
    changes = {name: getattr(retry, name) / speed for name in times}
    breaker = retry.breaker
    if breaker is not None:
        breaker = breaker.model_copy(update={"cooling": breaker.cooling / speed})
    return retry.model_copy(update={**changes, "breaker": breaker})


def answer_seconds(model: Single, tokens: int) -> float:
    """How long an answer of so many tokens typically takes; what nobody knows takes no time."""
    typical = model.typical
    rate = typical.tokens_per_second
    first_token_ms, _ = typical.ttft_ms or (0.0, 0.0)
    return first_token_ms / 1000 + (tokens / rate if rate else 0)
