"""The lines that no record can tell: people answer them, in `answers` of conf/checklist.yaml."""

from runner.decide.checklist.facts import Facts, Line, line
from runner.measure.requirements import judge


def compliance(facts: Facts) -> Line:
    what = "Rules to comply with are met"
    wanted = facts.decision.requirements
    if wanted.certifications or wanted.regions:
        verdicts = [
            verdict
            for verdict in judge(facts.decision, {})
            if verdict.requirement in ("certifications", "regions")
        ]
        said = "; ".join(f"{each.requirement} {each.verdict}: {each.why}" for each in verdicts)
        met = all(verdict.verdict == "met" for verdict in verdicts)
        return line(what, met, said, facts.files.get("requirements"))
    if facts.decision.answers.compliance is False:
        return _answered(facts, what, True, "answers.compliance is false: there are none")
    said = "requirements.certifications and .regions name none; if so, say answers.compliance=false"
    return _answered(facts, what, False, said)


def team(facts: Facts) -> Line:
    what = "The team can operate what is self-hosted"
    own = {m.name for m in facts.decision.models.values() if m.provider.data == "self_hosted"}
    if not own:
        said = "nothing in the decision is on a server of your own"
        return Line(what, "not applicable", said, facts.files.get("model"))
    able, names = facts.decision.answers.self_hosting_team, ", ".join(sorted(own))
    said = f"answers.self_hosting_team is {_shown(able)}; on servers of your own: {names}"
    return _answered(facts, what, able is True, said)


def commitment(facts: Facts) -> Line:
    said = facts.decision.answers.provider_commitment
    evidence = f"answers.provider_commitment is {_shown(said)}"
    return _answered(facts, "Commitments to providers are known", said is not None, evidence)


def production_cases(facts: Facts) -> Line:
    real = facts.decision.answers.production_cases
    said = f"answers.production_cases is {_shown(real)}"
    return _answered(facts, "The cases are real production data", real is True, said)


def _answered(facts: Facts, what: str, ticked: bool, evidence: str) -> Line:
    """Nobody knows when an answer was given."""
    return line(what, ticked, evidence, facts.files.get("checklist"), None)


def _shown(answer: bool | str | None) -> str:
    """As the config has it."""
    if answer is None:
        return "not given"
    return str(answer).lower() if isinstance(answer, bool) else answer
