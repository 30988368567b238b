"""What a sweep says about one task, as it stands in `result.json`."""

from typing import Literal

from pydantic import Field

from runner.record.outcomes import CONFIDENCE, Record, Tier


class Compared(Record):
    """How the quality of a candidate differs from another's on the cases that both have scores for.

    `p_value` is corrected for all pairs of the sweep, and so is the interval of the difference: all
    of them hold at once, with the confidence of the requirements. `tied` is no proof that they are
    equal: no difference is proven.
    """

    verdict: Literal["better", "worse", "tied", "unknown"]
    difference: float | None  # above 0: better
    low: float | None
    high: float | None
    p_value: float | None
    n: int  # cases
    left_out: int  # cases that only one of the two has scores for
    cases_left_out: list[str] = Field(default_factory=list)  # the first of them
    method: str
    confidence: float = CONFIDENCE  # of the interval


class Recommendation(Record):
    """Candidates go by their label, which is the model's name where it is on the task once."""

    task: str
    choice: str | None  # the best of those proven, or else supported; None: none is
    tier: Tier | None = None  # of the choice
    headline: str
    because: str = ""  # why the choice and no other, in a few words; empty: there is none
    race: list[str] = Field(default_factory=list)  # what it saved; how to read its figures
    reasons: list[str]
    compared_with: str | None  # the choice, or else the nearest to it
    compared: dict[str, Compared]  # every other candidate with that one
    ties: list[str]
    front: list[str]  # nobody is at least as good, cheap and fast, and better in one of these
    dominated_by: dict[str, list[str]]
    why_not: dict[str, str]  # a sentence for every candidate but the choice
    would_change: list[str]
    next_steps: list[str]
    differences: list[str]  # where the candidates were not asked alike
    smallest_difference: str | None  # in quality, that so many cases can show
