"""Which candidate of a sweep to ship on a task, and why: the cheapest of the best tier.

Pure: from results and the scores of each case to a record, without a look at any file.
"""

from collections.abc import Sequence

from runner.decide.recommend import reasons, what_would_change
from runner.decide.recommend.candidate import Candidate, ranked
from runner.decide.recommend.pairs import Pairs
from runner.decide.recommend.pareto import dominated_by
from runner.decide.recommend.recommendation import Compared, Recommendation

__all__ = ["Candidate", "Compared", "Recommendation", "ranked", "recommend"]


def recommend(
    task: str,
    contenders: Sequence[Candidate],
    differences: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> Recommendation:
    """`contenders` have labels of their own; `differences` are those between their requests.

    `remarks` are told among the reasons.
    """
    in_order = ranked(contenders)
    measured = [one for one in in_order if one.measured]
    choice = next((one for one in measured if one.shippable), None)
    reference = choice or (measured[0] if measured else None)
    contest = Pairs(measured)
    compared = contest.against(reference.label) if reference else {}
    alike = [one for one in measured if one.result.race is None]  # on the same cases, all of them
    dominated = dominated_by(alike)
    front = [one.label for one in alike if one.label not in dominated]
    ties = [label for label, one in compared.items() if one.verdict == "tied"]
    smallest = None
    if reference and compared:
        smallest = contest.smallest_difference(reference.label, ties or list(compared))
    return Recommendation(
        task=task,
        choice=choice.label if choice else None,
        tier=choice.tier if choice else None,
        headline=reasons.headline(task, in_order),
        because=reasons.because(in_order),
        reasons=[
            *(reasons.reasons(reference, compared, front, dominated) if reference else []),
            *remarks,
        ],
        compared_with=reference.label if reference else None,
        compared=compared,
        ties=ties,
        front=front,
        dominated_by=dominated,
        why_not={
            one.label: reasons.why_not(one, choice, reference, compared.get(one.label))
            for one in in_order
            if one is not choice
        },
        would_change=what_would_change.would_change(choice, measured, compared) if choice else [],
        next_steps=[] if choice and choice.proven else what_would_change.next_steps(in_order),
        differences=list(differences),
        smallest_difference=smallest,
    )
