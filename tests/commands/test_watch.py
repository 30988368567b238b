"""`watch`: silent where nothing moves; where something does, a migration that can be merged."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from runner.commands import promote, watch
from runner.commands.command_line import main
from runner.config import paths
from runner.config.schema import Single
from runner.decide.promote import decision_record
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import MODEL, Run
from tests.conftest import write_cases
from tests.loopback import Answer, Loopback, Request
from tests.loopback.answers import Chat
from tests.simulations import watch as replay
from tests.webhook import listening

TODAY = date(2026, 12, 1)
ENDS = date(2027, 2, 20)
DUE = ENDS - timedelta(60)
OWN = ["--config-dir", "conf", "task=demo", "mapping=mine", "requirements=base", "retry=quick"]
OWN += ["requirements.min_quality_score=0.8"]
MAPPING = "# mine\ndefaults:\n  - /model@demo: first  # since May\n"


class Listing(Chat):
    """A provider that has a list of its models, too."""

    def refuse(self, request: Request) -> Answer | None:
        return None if request.path.endswith("/models") else super().refuse(request)


def right(request: Request) -> Answer:
    """second alone answers wrong; the list of models has no dates."""
    if request.method == "GET":
        return Answer(body={"object": "list", "data": [{"id": "first-2026-01-01"}]})
    return loopback.text("no") if request.model.startswith("second") else loopback.echo(request)


@pytest.fixture(scope="module")
def one_server() -> Iterator[Loopback]:
    with Loopback(right, Listing()) as server:
        yield server


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = right
    return one_server


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our conf/ with two models: all that are there are composed for what could be cheaper."""
    kept = {"haiku.yaml", "local.yaml"}
    return shutil.copytree(
        paths.builtin("conf"),
        tmp_path_factory.mktemp("few") / "conf",
        ignore=lambda at, names: set(names) - kept if Path(at).name == "model" else (),
    )


@pytest.fixture
def decided(
    runner: Run, server: Loopback, once: Once, few: Path, monkeypatch: pytest.MonkeyPatch
) -> Loopback:
    """first was promoted over second on 20 cases, in a git repository; outputs/ is gone."""
    builtin = paths.builtin
    monkeypatch.setattr(paths, "builtin", lambda name: few if name == "conf" else builtin(name))
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@localhost")

    def decide() -> None:
        write_cases(Path("tasks/demo.jsonl"), 20)
        Path("conf/mapping").mkdir()
        Path("conf/mapping/mine.yaml").write_text(MAPPING)
        Path(".gitignore").write_text("outputs/\n")
        model(Path("conf/model/third.yaml"), "third")
        assert runner("-m", "model=first,second", "requirements.min_quality_score=0.8") == 0
        [sweep] = Path("outputs").glob("sweeps/*")
        own = [str(sweep), "candidate=first", "mapping=mine", "--config-dir", "conf"]
        assert promote.main(own, today=TODAY) == 0
        shutil.rmtree("outputs")
        commit()

    once("decided", decide)
    return server


def model(path: Path, name: str, *lines: str, price: float = 1.0) -> None:
    text = MODEL.format(name=name).replace(
        "input_usd_per_mtok: 1.0", f"input_usd_per_mtok: {price}"
    )
    path.write_text(text + "".join(f"{line}\n" for line in lines))


def ends(*lines: str) -> None:
    model(Path("conf/model/first.yaml"), "first", f"retires: {ENDS}", *lines)
    commit()


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    return done.stdout


def commit() -> None:
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "x")


def branches() -> list[str]:
    return git("branch", "--list", "--format=%(refname:short)", "runner-watch/*").split()


def watched(*words: str, today: date = TODAY) -> int:
    return watch.main([*OWN, *words], today=today)


def test_silence(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing moved: not a word, exit 0, no branch, and the canary alone was asked."""
    before = len(decided.requests)
    capsys.readouterr()
    assert watched() == 0
    assert capsys.readouterr() == ("", "")
    assert [each.method for each in decided.requests[before:]] == ["GET", *["POST"] * 10]
    assert not branches()


def test_the_migration(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """60 days ahead, not 61, the successor is proven and becomes a branch; no file is touched."""
    ends("successor: third")
    capsys.readouterr()
    assert watched(today=DUE - timedelta(1)) == 0
    assert capsys.readouterr().out == ""
    (Path("conf") / "note").write_text("mine, not committed")
    Path("staged").write_text("x")
    git("add", "staged")
    before = git("status", "--porcelain")
    assert watched(today=DUE) == 3
    out = capsys.readouterr().out
    assert (
        f"demo · first: retirement: first (first-2026-01-01) ends on {ENDS}, says its file" in out
    )
    assert "demo: third instead of first" in out
    assert git("status", "--porcelain") == before
    assert git("rev-parse", "--abbrev-ref", "HEAD") == "main\n"
    [branch] = branches()
    changed = git("diff", "--name-only", "main", branch).split()
    assert changed == ["conf/mapping/mine.yaml", "tasks/demo/decisions/mine.yaml"]
    assert git("show", f"{branch}:conf/mapping/mine.yaml") == MAPPING.replace("first", "third")
    [text] = Path("outputs/watch").glob(f"{DUE}/*/pull_request.md")
    said = text.read_text()
    for part in (
        "-  - /model@demo: first",
        "+  - /model@demo: third",
        "**supported**",
        "first, 20",
    ):
        assert part in said
    assert "Against the baseline" in said  # case by case: compare's own
    assert "Revert this commit" in said


def test_once(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """The next call, and one of CI, where outputs/ is gone, measure and write nothing again."""
    ends("successor: third")
    assert watched(today=DUE) == 3
    [branch] = branches()
    before, made = len(decided.requests), git("rev-parse", branch)
    assert watched(today=DUE) == 3
    shutil.rmtree("outputs")
    capsys.readouterr()
    assert watched(today=DUE + timedelta(1)) == 3
    assert f"the migration is on branch {branch}" in capsys.readouterr().out
    assert [r.method for r in decided.requests[before:]].count("POST") == 20  # two canaries
    assert git("rev-parse", branch) == made
    assert branches() == [branch]


def test_it_holds_when_merged(decided: Loopback) -> None:
    """What the branch has is a decision: `drift` finds it as promoted, and `watch` is silent."""
    ends("successor: third")
    assert watched(today=DUE) == 3
    git("checkout", "-q", *branches())
    found = decision_record.find([Path("tasks")], "demo", "mine")
    assert (found.model, found.promoted, found.tier) == ("third", DUE, "supported")
    assert watched(today=DUE) == 0


def test_nobody_qualifies(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that miss a bound are no migration: that is said, and paid for once."""
    ends("successor: second")
    assert watched(today=DUE) == 3
    out = capsys.readouterr().out
    assert "second: second misses min_quality_score" in out
    assert "nobody qualifies: there is no migration" in out
    assert not branches()
    before = len(decided.requests)
    assert watched(today=DUE) == 3
    assert len(decided.requests) == before + 11  # the list, and the canary


def test_who_ends_as_well(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """What ends soon itself is no way out, by its file or by its provider's list: exit 3."""
    ends("successor: third")
    runner_up, third = ENDS + timedelta(1), {"id": "third-2026-01-01"}
    listed = {"data": [third | {"shutdown_date": str(DUE + timedelta(9))}]}
    decided.answer = lambda r: Answer(body=listed) if r.method == "GET" else right(r)
    model(Path("conf/model/second.yaml"), "second", f"retires: {runner_up}")
    commit()
    capsys.readouterr()
    before = len(decided.requests)
    assert watched(today=DUE + timedelta(1)) == 3
    out = capsys.readouterr().out
    assert "third can't come instead: third (third-2026-01-01) ends on" in out
    assert f"second can't come instead: second (second-2026-01-01) ends on {runner_up}" in out
    assert len(decided.requests) == before + 11  # the list, and the canary
    assert not branches()


def test_the_provider_knows_first(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A day that only the provider's own list has counts from when it is there."""
    model(Path("conf/model/first.yaml"), "first", "successor: third")
    commit()
    assert watched(today=DUE) == 0
    listed = {"data": [{"id": "first-2026-01-01", "shutdown_date": "2027-01-10"}]}
    decided.answer = lambda r: Answer(body=listed) if r.method == "GET" else right(r)
    capsys.readouterr()
    assert watched(today=DUE) == 3
    assert "ends on 2027-01-10, says its provider's list" in capsys.readouterr().out
    assert len(branches()) == 1


def test_a_list_that_is_down(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a line, and the date in the file is seen all the same."""
    ends("successor: third")
    down = loopback.server_error()
    decided.answer = lambda r: down if r.method == "GET" else right(r)
    capsys.readouterr()
    assert watched(today=DUE) == 3
    assert "runner: loop: its list of models could not be read: HTTP 500" in capsys.readouterr().err
    assert len(branches()) == 1


def test_what_has_ended(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """After its day it is asked no more: flips are against its canary, and a migration is there."""
    ends("successor: third")
    before = len(decided.requests)
    assert watched(today=ENDS + timedelta(3)) == 3
    assert not [r for r in decided.requests[before:] if r.body and r.model.startswith("first")]
    [text] = Path("outputs/watch").rglob("pull_request.md")
    assert "Against the baseline" in text.read_text()
    assert len(branches()) == 1


def test_no_budget(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """What the cap does not allow to measure is said: exit 4, no migration, and tried again."""
    ends("successor: third")
    capsys.readouterr()
    assert watched("budget_usd=0.002", today=DUE) == 4
    out = capsys.readouterr().out
    assert "retirement: first" in out
    assert "demo-first: its canary: budget: budget_usd is 0.002" in out
    assert not branches()
    assert watched(today=DUE) == 3
    assert len(branches()) == 1


def test_cheaper(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A model of its family that costs less is measured once: as good, it is a migration."""
    model(Path("conf/model/first.yaml"), "first")
    path = Path("conf/model/first-2.yaml")
    model(path, "first-2", price=0.5)
    path.write_text(path.read_text().replace("first-2-2026-01-01", "first-2"))
    commit()
    assert watched() == 3
    assert "cheaper: model=first-2 (first-2) costs less than first" in capsys.readouterr().out
    assert len(branches()) == 1


def test_cheaper_and_worse(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """One that is not as good leaves things as they are: exit 0, and silence from then on."""
    path = Path("conf/model/first-2.yaml")
    model(path, "first-2", price=0.5)
    path.write_text(path.read_text().replace("first-2-2026-01-01", "first-2"))
    commit()
    decided.answer = lambda r: loopback.text("no") if r.body and r.model == "first-2" else right(r)
    assert watched() == 0
    out = capsys.readouterr().out
    assert out.startswith("demo · first: ")
    assert "first stays" in out
    assert watched() == 0
    assert capsys.readouterr().out == ""
    assert not branches()


def test_a_price_that_rises(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A dated price in the file is due before its day; dollars are of today and of that day."""
    path = Path("conf/model/first.yaml")
    old = (
        "price: {input_usd_per_mtok: 1.0, output_usd_per_mtok: 2.0, checked: 2026-11-23, source: t}"
    )
    new = old.removeprefix("price: ").replace("1.0", "9.0").replace("{", "{from: 2027-01-15, ")
    text = MODEL.format(name="first")
    head = text[: text.index("price:")]
    path.write_text(
        f"{head}price:\n  - {old.removeprefix('price: ')}\n  - {new}\nsuccessor: third\n"
    )
    commit()
    assert watched() == 3
    out = capsys.readouterr().out
    assert "price: first: from 2027-01-15 on $9 in" in out
    assert "$100 → $20.00 a month" in out  # 10 tokens in, 5 out
    [text_file] = Path("outputs/watch").rglob("pull_request.md")
    assert "| first, 2026-12-01 | $20.00 |" in text_file.read_text()


def test_the_canary(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Answers that have become wrong are due, and the successor takes over."""
    model(Path("conf/model/first.yaml"), "first", "successor: third")
    commit()
    decided.answer = lambda r: (
        loopback.text("no") if r.body and r.model.startswith("first") else right(r)
    )
    assert watched() == 3
    assert "demo · first: score: 1.000 on record, now 0.000, 10 cases" in capsys.readouterr().out
    assert len(branches()) == 1


def test_without_git(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Outside of a repository there are files alone: the text, and a diff that `patch` takes."""
    ends("successor: third")
    shutil.rmtree(".git")
    assert watched(today=DUE) == 3
    assert "no branch: there is no git repository here" in capsys.readouterr().out
    [diff] = Path("outputs/watch").rglob("migration.diff")
    subprocess.run(["git", "apply", "-p0", str(diff)], check=True)
    assert Path("conf/mapping/mine.yaml").read_text() == MAPPING.replace("first", "third")


def test_changes_of_ones_own(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A mapping that was edited is left alone, and there is no branch until that is committed."""
    ends("successor: third")
    mapping = Path("conf/mapping/mine.yaml")
    mapping.write_text(f"# edited\n{MAPPING}")
    assert watched(today=DUE) == 3
    assert "mine.yaml has changes that are not committed" in capsys.readouterr().out
    asked = len(decided.requests)
    assert watched(today=DUE) == 3
    assert "mine.yaml has changes that are not committed" in capsys.readouterr().out
    assert len(decided.requests) == asked + 11  # the list, and the canary
    assert mapping.read_text() == f"# edited\n{MAPPING}"
    assert not branches()
    commit()
    assert watched(today=DUE) == 3
    [branch] = branches()
    assert git("show", f"{branch}:conf/mapping/mine.yaml").startswith("# edited\n")


GH = """#!/bin/sh
[ -e {said}.refused ] && {{ echo "GitHub Actions is not permitted to create" >&2; exit 1; }}
printf '%s\\n' "$@" > {said}
echo https://example.org/pull/1
"""


def test_a_pull_request(
    decided: Loopback,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With gh and a remote the branch is pushed and proposed; another clone knows of it."""
    ends("successor: third")
    bin, remote, said = (tmp_path / each for each in ("bin", "remote.git", "said"))
    bin.mkdir()
    (bin / "gh").write_text(GH.format(said=said))
    (bin / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin}{os.pathsep}{os.environ['PATH']}")
    git("init", "-q", "--bare", str(remote))
    git("remote", "add", "origin", str(remote))
    (tmp_path / "said.refused").touch()
    assert watched(today=DUE) == 3
    [branch] = branches()
    out, asked = capsys.readouterr().out, len(decided.requests)
    assert "  gh pr: GitHub Actions is not permitted to create" in out
    (tmp_path / "said.refused").unlink()  # another day
    for _ in range(2):
        assert watched(today=DUE) == 3
        out = capsys.readouterr().out
        assert f"branch: {branch}\n  pull request: https://example.org/pull/1" in out
        assert "not permitted" not in out
    assert len(decided.requests) == asked + 2 * 11  # the list, and the canary
    words = said.read_text().splitlines()
    assert words[:4] == ["pr", "create", "--head", branch]
    assert branch in git("ls-remote", "--heads", "origin")
    git("branch", "-q", "-D", branch)
    shutil.rmtree("outputs")
    assert watched(today=DUE) == 3
    assert f"on branch {branch}" in capsys.readouterr().out


def test_a_remote_that_is_down(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody knows whether it is proposed already: exit 4, nothing is paid for, all is said."""
    ends("successor: third")
    git("remote", "add", "origin", "/nowhere")
    before = len(decided.requests)
    capsys.readouterr()
    assert watched(today=DUE) == 4
    out = capsys.readouterr().out
    assert "demo · first: retirement: first" in out
    assert "no migration: git ls-remote: " in out
    assert len(decided.requests) == before + 11


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=third"], "model: has no meaning for watch"),
        (["estimate=true"], "estimate: has no meaning for watch"),
        (["watch.dais_ahead=3"], "watch.dais_ahead: no such key; did you mean 'days_ahead'?"),
        (["watch.notify.env=[NOT_SET]"], "notify.env: set NOT_SET in the environment"),
        (
            ["requirements.data_privacy=strict", "watch.notify.env=[X]"],
            "watch.notify.data is third_party, but requirements.data_privacy of demo is strict",
        ),
    ],
)
def test_wrong_words(
    decided: Loopback, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A mistake is one line and exit 2, and nothing is asked."""
    before = len(decided.requests)
    capsys.readouterr()
    assert main(["watch", *OWN, *words]) == 2
    assert capsys.readouterr().err.startswith(f"runner: {message}")
    assert len(decided.requests) == before


@pytest.mark.parametrize("option", ["o3", "gpt-6-luna-azure"])
def test_the_replay(option: str, every_model: Mapping[str, Single]) -> None:
    """Of a model with a successor, and of one without: a migration 60 days ahead."""
    [found] = replay.replay({option: every_model[option]})
    assert (found.missed, found.ahead) == (False, 60)
    assert found.to in ("gpt-6.1-sol", "gpt-6-luna")


def test_the_workflow(home: Path) -> None:
    """`init` writes one that runs daily, with the keys of all candidates, and may push."""
    assert main(["init", "there", "models=haiku,routed"]) == 0
    flow = yaml.safe_load(Path("there/.github/workflows/model-watch.yml").read_text())
    assert flow[True]["schedule"] == [{"cron": "17 5 * * *"}]
    assert flow["permissions"] == {"contents": "write", "pull-requests": "write"}
    [step] = [each for each in flow["jobs"]["watch"]["steps"] if "env" in each]
    assert step["run"] == "python -m runner watch"
    assert step["env"] == {
        "GH_TOKEN": "${{ github.token }}",
        "ANTHROPIC_API_KEY": "${{ secrets.ANTHROPIC_API_KEY }}",
        "OPENAI_API_KEY": "${{ secrets.OPENAI_API_KEY }}",
    }
    save = flow["jobs"]["watch"]["steps"][-1]
    assert save["with"]["key"] == "watch-${{ github.run_id }}"


def test_whom_to_tell(
    decided: Loopback, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is due goes to everybody whom `watch.notify` names, and nothing where nothing is."""
    with listening() as webhook:
        monkeypatch.setenv("HOOK", webhook.url("T0planted-token-0123"))
        assert watched("watch.notify.env=[HOOK]") == 0
        assert webhook.told == []
        ends("successor: third")
        assert watched("watch.notify.env=[HOOK]", today=DUE) == 3
        [told] = webhook.told
    assert "demo · first: retirement: first" in told["message"]
    assert "T0planted" not in str(capsys.readouterr())
