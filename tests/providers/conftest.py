"""Asserts outside the test modules say what they compared, too."""

import pytest

pytest.register_assert_rewrite(
    *(
        f"tests.providers.{name}"
        for name in ("calls", "asking", "answering", "compiling", "failing", "streaming")
    )
)
