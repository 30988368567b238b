"""A decision on record comes back from its file as it went in."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from runner.decide.promote import decision_record
from runner.decide.promote.decision_record import Canary, DecisionRecord, EvidenceSource
from runner.errors import ConfigError

HOSTILE = "a: b\n---\n- ${oc.env:HOME} # 'x' \"y\" {{ z }}\t\x1b[2J\u2028 \N{GRINNING FACE}\n"


def record(**changes: Any) -> DecisionRecord:
    known: dict[str, Any] = {
        "task": "sorting",
        "mapping": "mine",
        "model": "small",
        "id": "small-2026-01-01",
        "promoted": date(2026, 11, 24),
        "review_by": date(2027, 2, 22),
        "review_because": "90 days after the promotion",
        "overruled": None,
        "headline": "sorting: ship small",
        "requirements": {},
        "verdicts": [],
        "metrics": {},
        "quality": "exact",
        "sampling": {},
        "prices": {"small": {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 4.0}},
        "retires": {"small": None},
        "price_map": [],
        "served": [],
        "runner_up": None,
        "evidence": EvidenceSource(
            sweep="s", run="s/0", command="c", started="now", result_sha256="0",
            journals_sha256={}, cases_sha256=None, concurrency=1,
        ),
        "canary": [],
    }  # fmt: skip
    return DecisionRecord.model_validate(known | changes)


def write(folder: Path, text: str) -> None:
    path = decision_record.place(folder, "sorting", "mine")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")


def test_round_trip(tmp_path: Path) -> None:
    """Whatever a model has answered."""
    canary = Canary(
        case="007", question="1e5", expected="no", answer=HOSTILE, scores={"exact": 0.25},
        latency_ms=12.5, cost_usd=None,
    )  # fmt: skip
    before = record(canary=[canary])
    write(tmp_path, decision_record.text(before))
    assert decision_record.find([tmp_path / "nowhere", tmp_path], "sorting", "mine") == before


def test_the_first_folder_wins(tmp_path: Path) -> None:
    """The user's own tasks come before those that ship."""
    write(tmp_path / "own", decision_record.text(record(model="own")))
    write(tmp_path / "ours", decision_record.text(record(model="ours")))
    folders = [tmp_path / "own", tmp_path / "ours"]
    assert decision_record.find(folders, "sorting", "mine").model == "own"


def test_numbers_can_be_read() -> None:
    """No number has more than six digits."""
    text = decision_record.text(record(prices={"small": {"input_usd_per_mtok": 0.1 + 0.2}}))
    assert "{input_usd_per_mtok: 0.3}" in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("task: x\n", "mapping: is missing"),
        ("", "task: is missing"),
    ],
)
def test_a_damaged_record(tmp_path: Path, text: str, message: str) -> None:
    """It is named, with what is wrong."""
    write(tmp_path, text)
    with pytest.raises(ConfigError, match=f"mine.yaml.*: {message}"):
        decision_record.find([tmp_path], "sorting", "mine")


def test_none_on_record(tmp_path: Path) -> None:
    """Another mapping that has one is proposed."""
    write(tmp_path, decision_record.text(record()))
    with pytest.raises(ConfigError, match=r"mapping=mien: .*did you mean 'mine'"):
        decision_record.find([tmp_path], "sorting", "mien")
