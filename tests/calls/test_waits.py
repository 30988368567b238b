"""However a provider says how long to wait, it is understood."""

from datetime import UTC, datetime, timedelta

import pytest

from runner.calls import waits


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "2"}, 1.5),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "20ms"}, 0.02),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "20s"}, None),
        (
            {
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "1m2.5s",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "7.66s",
            },
            62.5,
        ),
        ({"retry-after": "1", "x-ratelimit-remaining-tokens": "0"}, 1),
        ({}, None),
    ],
)
def test_headers(headers: dict[str, str], seconds: float | None) -> None:
    """Retry-After first; else the reset of a limit of which nothing is left."""
    assert waits.in_headers(headers) == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("kind", ["requests", "tokens", "input-tokens", "output-tokens"])
def test_time_of_a_reset(kind: str) -> None:
    """Anthropic says the time at which a limit is full again."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    headers = {
        f"anthropic-ratelimit-{kind}-remaining": "0",
        f"anthropic-ratelimit-{kind}-reset": soon.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    assert waits.in_headers(headers) == pytest.approx(3600, abs=300)


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Rate limit reached for gpt-4o. Please try again in 2.5s. Visit us.", 2.5),
        ("Please try again in 1m2.5s.", 62.5),
        ("Please try again in 350ms.", 0.35),
        ("Please retry after 6 seconds.", 6),
        ("Please retry in 32.4s.", 32.4),
        ("Try again in 2 minutes", 120),
        ("You can retry in 1h 5m", 3900),
        ("Try again later, in 2 sizes", None),
        ("retry after 5 monkeys", None),
        ("Slow down.", None),
    ],
)
def test_words(message: str, seconds: float | None) -> None:
    """Words say it too, in whatever units."""
    assert waits.in_words(message) == (seconds if seconds is None else pytest.approx(seconds))
