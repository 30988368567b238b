"""Numbers as people read them, each in its unit."""

import math

# Every metric but those of the scorers, which are score.<name>.
UNITS = {
    "quality": "score",
    "quality_per_request": "score",  # over all requests: an unanswered one is worth 0
    "valid_output_rate": "rate",
    "pass_at_1": "rate",  # of cases that are asked repeatedly, like the next two; 1 is a pass
    "pass_at_k": "rate",  # one of `repeats` tries passes
    "flaky_rate": "rate",  # cases whose repeats have different scores
    "error_rate": "rate",
    "first_attempt_success_rate": "rate",  # what availability would be without retry and fallback
    "fallback_rate": "rate",
    "retry_rate": "rate",
    "truncated_rate": "rate",
    "latency_p50_ms": "ms",
    "latency_p95_ms": "ms",
    "latency_mean_ms": "ms",
    "ttft_p50_ms": "ms",  # of streamed answers, like the next two
    "ttft_p95_ms": "ms",
    "tokens_per_second": "tokens/s",
    "cost_per_request_usd": "usd",
    "cost_per_accepted_usd": "usd",  # over answers of min_quality_score at least, or else of 1
    "cost_total_usd": "usd",
    "monthly_cost_usd": "usd",
    "attempts_per_request": "attempts",
    "tokens_per_request": "tokens",  # of all its attempts, in and out
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "output_tokens_per_second": "tokens/s",
    "judge_failure_rate": "rate",  # answers that a judge could not judge
    "judge_latency_p50_ms": "ms",
    "judge_cost_usd": "usd",  # of all judgements; no part of the costs above
}


def show(value: float | None, unit: str) -> str:
    """`0.861`, `1,204 ms`, `$0.00042`, `34 tokens`, `81.5 tokens/s`; None is `unknown`."""
    if value is None:
        return "unknown"
    if unit == "usd":
        return _dollars(value)
    if unit in ("score", "rate"):
        # 0.9996 must not look like certainty.
        almost = value not in (0, 1) and round(value, 3) in (0, 1)
        return f"{value:.5f}" if almost else f"{value:.3f}"
    decimals = 0 if unit != "tokens/s" and abs(value) >= 10 else 1
    return f"{value:,.{decimals}f} {unit}".strip()


def bound(value: float, unit: str) -> str:
    """A threshold, with as many digits as it was given."""
    if unit == "usd":
        whole, _, cents = show(value, unit).partition(".")
        return f"{whole}.{cents.rstrip('0').ljust(2, '0')}" if cents else whole
    return f"{value:g}" if unit in ("score", "rate") else show(value, unit)


def apart(value: float, other: float, unit: str) -> tuple[str, str]:
    """Two numbers, with as many digits as it takes to tell them apart."""
    plain = show(value, unit), show(other, unit)
    if plain[0] != plain[1] or value == other:
        return plain
    digits = next(n for n in range(1, 18) if f"{value:.{n}g}" != f"{other:.{n}g}")
    mark, word = ("$", "") if unit == "usd" else ("", f" {unit}")
    if unit in ("score", "rate"):
        word = ""
    texts = [f"{mark}{_plain(each, digits)}{word}" for each in (value, other)]
    return texts[0], texts[1]


def _plain(value: float, digits: int) -> str:
    """So many significant digits, and no exponent."""
    size = 0 if value == 0 else math.floor(math.log10(abs(value)))
    return f"{value:,.{max(0, digits - 1 - size)}f}"


def change(value: float | None, unit: str) -> str:
    """From a baseline: `1.21x` of milliseconds and dollars, `-0.033` of scores and shares."""
    if value is None:
        return "unknown"
    return f"{value:.3g}x" if unit in ("ms", "usd") else f"{value:+.3f}"


def times(ratio: float) -> str:
    """`1.3 times`, `20 times`, `1,100 times`: two digits that matter."""
    size = 0 if ratio <= 0 else math.floor(math.log10(ratio))
    rounded = round(ratio, 1 - size)
    return f"{rounded:,.{max(0, 1 - size)}f}".removesuffix(".0") + " times"


def interval(low: float | None, high: float | None, unit: str) -> str:
    if low is None and high is None:
        return "unknown"
    if low == high:
        return "exact"
    start = "?" if low is None else show(low, unit)
    return f"{start} to {'?' if high is None else show(high, unit)}"


def _dollars(value: float) -> str:
    """Three digits that matter below one cent, cents up to a hundred dollars, then dollars."""
    if value == 0:
        return "$0"
    sign, size = "-" if value < 0 else "", abs(value)
    decimals = 0 if size >= 100 else max(2, 2 - math.floor(math.log10(size)))
    return f"{sign}${size:,.{min(decimals, 12)}f}"
