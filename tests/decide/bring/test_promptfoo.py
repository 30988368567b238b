"""Configs of promptfoo mean here what they mean there."""

import json
from pathlib import Path
from typing import Any

import pytest

from runner.decide.bring import promptfoo
from runner.decide.bring.brought import Brought, Left
from runner.decide.bring.sources import Ledger


def read(folder: Path, config: Any) -> tuple[Brought, list[Left]]:
    file = folder / "promptfooconfig.json"
    file.write_text(config if isinstance(config, str) else json.dumps(config))
    ledger = Ledger()
    return promptfoo.read(ledger, file), ledger.close()


def test_yaml_as_javascript_reads_it(tmp_path: Path) -> None:
    """A word such as yes, a time and a day are texts."""
    file = tmp_path / "c.yaml"
    file.write_text("prompts: ['{{a}}']\ntests:\n- vars: {a: yes, b: 12:30, c: 2026-01-31, d: 1}\n")
    [task] = promptfoo.read(Ledger(), file).tasks
    assert task.cases[0]["input"] == {"a": "yes", "b": "12:30", "c": "2026-01-31", "d": 1}


def test_variables(tmp_path: Path) -> None:
    """Lists are every combination, variables may name others, and what is written down is JSON."""
    tests = [{"vars": {"a": ["1", "2"], "b": ["x", "y"], "c": "{{a}}{{b}}", "d": {"k": True}}}]
    out, left = read(tmp_path, {"prompts": ["{{c}} {{d}} {{ missing }}"], "tests": tests})
    found = [case["input"] for case in out.tasks[0].cases]
    assert [each["c"] for each in found] == ["1x", "1y", "2x", "2y"]
    assert (found[0]["d"], found[0]["missing"], left) == ('{"k": true}', "", [])


def test_providers(tmp_path: Path) -> None:
    """By id where we have it, pinned where it moves, with a file where not; or listed."""
    providers = ["openai:gpt-4o-mini", "mistral:of-mine", "openai:image:x", "exec:run.sh"]
    out, left = read(tmp_path, {"prompts": ["x"], "providers": providers})
    assert out.models == ["gpt-4o-mini", "of-mine"]
    assert [own.provider for own in out.own] == ["mistral"]
    assert [row.how for row in left] == ["changed", "changed", "left out", "to write"]


@pytest.mark.parametrize(
    "text", ["{{ ''.__class__.__mro__ }}", "{{ 'x' * 10000000000 }}", "{% for %}", "{{ 1/0 }}"]
)
def test_a_template_of_somebody_else(tmp_path: Path, text: str) -> None:
    """What a template must not, or can't do, stays a text."""
    tests = [{"vars": {"a": text}, "assert": [{"type": "contains", "value": text}]}]
    out, _ = read(tmp_path, {"prompts": ["{{a}}"], "tests": tests})
    assert out.tasks[0].cases[0]["input"] == {"a": text}
    assert out.tasks[0].cases[0]["expected"] == [{"contains": text}]


def test_files_elsewhere_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config names files beside it or where one is, and no others."""
    (tmp_path / "secret.txt").write_text("hidden")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    tests = [{"vars": {"a": "file://../secret.txt"}}]
    out, left = read(home, {"prompts": ["{{a}}", "file://../secret.txt"], "tests": tests})
    assert "hidden" not in repr(vars(out))
    assert len([row for row in left if "lies outside" in row.why]) == 2
