"""What scoring anew has changed, in words: from the record of a run and its result."""

from collections.abc import Iterator, Mapping
from typing import Any

from runner.record.outcomes import Result

_NAMED = 5  # cases that a sentence lists


def told(about: Mapping[str, Any] | None, result: Result) -> list[str]:
    """From what it was made, and what came of it; empty for a run that was asked itself."""
    if not about:
        return []
    return [", ".join(_from(about)), "; ".join(_changed(about, result))]


def _from(about: Mapping[str, Any]) -> Iterator[str]:
    yield f"scored anew on {str(about['when'])[:10]} from {about['of']}, and nobody was asked"
    if about["notes"]:
        yield f"with {about['notes']} (sha256 {about['notes_sha256'][:12]})"
    yield from (f"with {key}={value}" for key, value in about["changed"].items())


def _changed(about: Mapping[str, Any], result: Result) -> Iterator[str]:
    counts, before, mended = about["counts"], about["before"], about["mended"]
    if mended:
        more = f" and {len(mended) - _NAMED} more" if mended[_NAMED:] else ""
        yield f"expectations mended: {len(mended)} ({', '.join(mended[:_NAMED])}{more})"
    for what, name in (("answers accepted", "accepted"), ("answers labelled", "labelled")):
        if counts.get(name):
            yield f"{what}: {counts[name]}"
    if counts.get("rose") or counts.get("fell") or not counts.get("labelled"):
        yield f"scores: {counts.get('rose', 0)} rose, {counts.get('fell', 0)} fell"
    quality, was = result.metrics.get("quality"), before["quality"]
    if quality and quality.value != was:
        values = ("unknown" if one is None else f"{one:.3f}" for one in (was, quality.value))
        yield f"quality {' → '.join(values)}"
    moved = [
        f"{one.requirement} {before['verdicts'].get(one.requirement, 'none')} → {one.verdict}"
        for one in result.verdicts
        if before["verdicts"].get(one.requirement) != one.verdict
    ]
    yield f"verdicts: {', '.join(moved)}" if moved else "all verdicts as before"
