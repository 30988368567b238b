"""What the README promises stands beside the tests that hold it."""

import re
from collections.abc import Iterator

import pytest

from tests.tree import README, ROOT

# How each sentence begins, and what holds it: one test at least for each of its claims.
HELD_BY = {
    "Each number has a 95 % interval": (
        "measure/test_intervals_hold.py::test_few_intervals_are_wrong",
        "measure/test_verdict.py::test_an_interval_decides",
        "report/test_sweep.py::test_intervals_have_the_confidence_of_the_job",
    ),
    "Otherwise it is *missed*": (
        "measure/test_requirements.py::test_a_least_score",
        "measure/test_requirements.py::test_an_unknown_price_is_an_unknown_verdict",
    ),
    "A candidate is *proven*, *supported*": (
        "decide/recommend/test_recommend.py::test_none_is_proven",
        "decide/recommend/test_recommend.py::test_what_would_be_missed_as_measured_is_refused",
        "decide/recommend/test_planted.py",
    ),
    "Each answer is on disk": (
        "record/test_journal.py::test_nothing_is_acknowledged_after_a_failed_write",
        "attack/test_kills.py::test_what_comes_after_an_answer",
    ),
    "After Ctrl-C, a crash or a power cut": (
        "pipeline/test_interrupt.py::test_interrupt",
        "attack/test_kills.py::test_killed_at_any_time",
        "attack/test_damage.py::test_cut_at_every_byte",
    ),
    "A failed call is never scored": (
        "measure/test_metrics.py::test_a_failure_is_no_wrong_answer",
        "test_price.py::test_one_unknown_makes_a_sum_unknown",
        "pipeline/test_run.py::test_fallback_is_not_credited",
        "config/test_pins.py::test_an_id_with_dated_snapshots_is_an_alias",
        "config/test_pins.py::test_an_alias_can_be_allowed_but_not_a_retired_model",
    ),
    "Config names a key's variable": (
        "commands/test_command_line.py::test_key_is_not_printed",
        "calls/test_transport.py::test_key_is_scrubbed",
        "config/test_redact.py::test_addresses",
    ),
    "`requirements.data_privacy`": (
        "pipeline/test_run.py::test_privacy_names_the_way",
        "measure/test_requirements.py::test_privacy_holds_for_the_whole_chain",
        "measure/test_requirements.py::test_privacy_holds_for_whoever_is_told",
    ),
    "What a model says is data": (
        "attack/test_leaks.py::test_terminal",
        "attack/test_leaks.py::test_paths_of_this_machine",
    ),
    "`python_tests` never has what is expected": (
        "scorers/test_python_halves.py::test_what_is_expected_is_not_beside_the_code",
        "scorers/test_python_fakes.py::test_a_reference_solution_of_the_tests_is_out_of_reach",
    ),
    "With bubblewrap": (
        "scorers/test_python_tests.py::test_no_file_of_the_user_is_seen",
        "scorers/test_python_tests.py::test_no_network",
        "scorers/test_python_tests.py::test_details_say_which_limits_held",
    ),
    "What looks like a fake scores 0": (
        "scorers/test_python_fakes.py::test_what_looks_like_a_fake_is_called_so",
        "scorers/test_python_fakes.py::test_a_fake_is_worth_nothing",
    ),
    "`budget_usd` is a hard cap": (
        "calls/test_budget.py::test_spent_never_exceeds_the_cap",
        "attack/test_kills.py::test_cap_over_kills",
    ),
    "`budget_dir` makes it one cap": (
        "attack/test_two_processes.py::test_shared_budget_over_kills",
    ),
    "The same run started twice": ("attack/test_two_processes.py::test_the_same_twice",),
}


def promises() -> Iterator[str]:
    """Each sentence of the section, without the two words that it stands under."""
    [section] = re.findall(r"## What it promises\n(.*?)\n## ", README.read_text(), re.DOTALL)
    for promise in section.split("\n- ")[1:]:
        _, said = re.findall(r"\*\*(.*?)\*\*\s*(.*)", " ".join(promise.split()))[0]
        yield from re.split(r"(?<=\.)\s+(?=[A-Z`])", said)


def test_each_promise_is_held() -> None:
    """Every sentence has its tests, and every entry has its sentence."""
    said = list(promises())
    found = {each: [key for key in HELD_BY if each.startswith(key)] for each in said}
    assert {each for each, keys in found.items() if len(keys) != 1} == set()
    assert {key for keys in found.values() for key in keys} == set(HELD_BY)


@pytest.mark.parametrize("node", sorted({node for nodes in HELD_BY.values() for node in nodes}))
def test_what_holds_it_is_there(node: str) -> None:
    """The test is where the table says, and nothing skips it."""
    file, _, name = node.partition("::")
    text = (ROOT / "tests" / file).read_text()
    found = re.search(rf"((?:^@.*\n)*)^(?:async )?def {name or 'test_'}", text, re.MULTILINE)
    assert found, node
    assert "skip" not in found[1]
