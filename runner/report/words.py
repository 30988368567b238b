"""What a result comes down to, in a mark and in a sentence; the same on screen and on paper."""

from runner.measure.conclusion import conclusion

__all__ = ["LEGEND", "MARKS", "conclusion"]

MARKS = {"met": "✓", "missed": "✗", "not proven": "≈", "unknown": "?"}
LEGEND = ", ".join(f"{mark} {word}" for word, mark in MARKS.items())
