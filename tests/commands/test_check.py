"""`check` finds what is wrong in a user's own conf/ and tasks/, and says where."""

import shutil
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest

from runner.commands import check as command
from runner.commands._check_files import Report, check_files
from runner.config import paths
from runner.errors import ConfigError

TODAY = date(2026, 11, 28)
# Enough of ours to stand on: each option that is checked costs time.
KEPT = {
    "model": {"local.yaml", "haiku.yaml", "codestral.yaml", "sonnet.yaml", "gpt-6-luna.yaml"},
    "mapping": {"default.yaml"},
    "fallback": {"none.yaml"},
    "sweep": {"adhoc.yaml"},
}
OLD = "{input_usd_per_mtok: 9.0, output_usd_per_mtok: 10.0, checked: 2026-08-01, source: a blog}"
GOOD = """
    defaults: [/base/model@_here_, /provider: openai, _self_]
    name: {name}
    id: {id}
    context_tokens: 128000
"""
CONF = {
    "model/good.yaml": GOOD.format(name="good", id="gpt-4o-2024-08-06"),
    "model/typo.yaml": GOOD.format(name="typo", id="gpt-5") + "    contxt_tokens: 1\n",
    "model/alias.yaml": GOOD.format(name="alias", id="gpt-4o"),
    "model/allowed.yaml": GOOD.format(name="allowed", id="gpt-4o") + "    allow_unpinned: true\n",
    "model/gone.yaml": GOOD.format(name="gone", id="gpt-6-sol") + "    retires: 2026-11-27\n",
    "model/soon.yaml": GOOD.format(name="soon", id="gpt-6-sol")
    + "    retires: 2026-11-30\n    successor: haiku\n",
    "model/lost.yaml": GOOD.format(name="lost", id="gpt-6-sol") + "    successor: haiko\n",
    "model/old.yaml": GOOD.format(name="old", id="gpt-4o-2024-08-06") + f"    price: {OLD}\n",
    "model/future.yaml": GOOD.format(name="future", id="gpt-6-sol")
    + "    price: " + OLD.replace("2026-08-01", "2026-11-29").replace("a blog", "' '") + "\n",
    "model/misnamed.yaml": GOOD.format(name="other", id="gpt-6-sol"),
    "model/nowhere.yaml": "defaults: [/base/model@_here_, /provider: nowhere, _self_]\nname: no",
    "model/not_yaml.yaml": "name: x\nid: [",
    "model/environment.yaml": GOOD.format(name="environment", id="${oc.env:HOME}"),
    "model/codestral.yaml": GOOD.format(name="codestral", id="codestral-latest"),
    "model/seed/then.yaml": GOOD.format(name="seed-then", id="gpt-4o-2024-08-06")
    + f"    price: {OLD}\n    retires: 2026-01-01\n    successor: haiku\n",
    "provider/slow.yaml": "defaults: [/base/provider@_here_, _self_]\nname: slow\n"
    "litellm: openai\ntimeout: soon\n",
    "retry/never.yaml": "defaults: [default, _self_]\nname: never\nattempts: 0\n",
    "mapping/bad.yaml": "defaults: [/model@extraction: gone, /model@extractoin: good]",
    "model/thinker.yaml": GOOD.format(name="thinker", id="gpt-6-sol")
    + "    reasoning: {default: high, lowest: none}\n    max_output_tokens: 500\n",
    "model/dearer.yaml": GOOD.format(name="dearer", id="gpt-6-sol")
    + f"    price: [{OLD.replace('-08', '-11')}, {OLD.replace('{', '{from: 2027-01-01, ')}]",
    "task/weighed.yaml": """
        defaults: [/base/task@_here_, /model@scorers.judge.model: thinker, _self_]
        name: weighed
        cases: mine/cases.jsonl
        scorers: {judge: {rubric: "5: it is so.", effort: high, max_tokens: 100}}
    """,
    "requirements/weighed.yaml": "defaults: [base, _self_]\nname: weighed\n",
    "mapping/short.yaml": "defaults: [/model@mine: thinker, /model@extraction: soon]\n",
    "mapping/asked.yaml": "defaults: [/model@extraction: good]\n"
    "overrides: {reasoning: {seed: 1}, extraction: {task.promt: x}}\n",
    "prompt/misnamed.yaml": "# @package task\nprompt_name: other\nsystem: x\n",
    "fallback/bad.yaml": "defaults: [/model@chain.first: gone, _self_]\nname: bad\n"
    "'on': [timeout]\n",
    "sweep/bad.yaml": """
        # @package _global_
        hydra: {mode: MULTIRUN, sweeper: {params: {task: "extraction,extractoin", repeats: "1,0"}}}
    """,
    "sweep/models.yaml": """
        # @package _global_
        hydra: {mode: MULTIRUN, sweeper: {params: {model: "haiku,gone,haiko"}}}
    """,
    "sweep/single.yaml": """
        # @package _global_
        hydra: {sweeper: {params: {model: "haiku,good"}}}
    """,
    "scenario/theirs.yaml": "whatever: 1",
    "scenario/broken.yaml": "defaults: [nothing]",
    "requirements/mine.yaml": "defaults: [base, _self_]\nname: mine\nbounds: {speed: {max: 1}}",
}  # fmt: skip
OF_BEDROCK = """
    defaults: [/base/model@_here_, /provider: bedrock, _self_]
    name: {name}
    id: {id}
    context_tokens: 128000
"""
SIGNED = "    provider: {api_key_env: null, credentials: aws}\n"
COMPILED = {
    "model/signed.yaml": OF_BEDROCK.format(name="signed", id="amazon.nova-micro-v1:0") + SIGNED,
    "model/refused.yaml": OF_BEDROCK.format(name="refused", id="no-model-of-theirs"),
    "model/prefix.yaml": GOOD.format(name="prefix", id="x") + "    provider: {litellm: grok}\n",
}
TASK = """
    defaults: [/base/task@_here_, _self_]
    name: {name}
    cases: {name}/cases.jsonl
    scorers: {{{scorer}: {{}}}}
"""
TASKS = {
    "judged": ("strict", '{"id": "a", "input": "x", "expected": "no"}'),
    "unread": ("exact", '{"id": "a", "input": "x", "expected": "x"}\n{"id": "b"}'),
    "unasked": ("exact", '{"id": "a", "input": {"text": "x"}, "expected": "x"}'),
    "unscored": ("exakt", '{"id": "a", "input": "x", "expected": "x"}'),
    "mine": ("exact", '{"id": "a", "input": "x", "expected": "x"}'),
}
STRICT = """
    def score(reply, case, task):
        return 1.0

    def check(case, task):
        return None if case.expected == "yes" else f"expected is {case.expected!r}, not 'yes'"
"""


def write(directory: Path, files: Iterable[tuple[str, str]]) -> Path:
    for name, text in files:
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
    return directory


def leave_out(directory: str, names: list[str]) -> set[str]:
    kept = KEPT.get(Path(directory).name)
    return set(names) - kept if kept else set()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    shutil.copytree(paths.builtin("conf"), folder / "ours", ignore=leave_out)
    own = write(folder / "own", CONF.items())
    for name, (scorer, cases) in TASKS.items():
        write(own, [(f"task/{name}.yaml", TASK.format(name=name, scorer=scorer))])
        write(folder / "tasks", [(f"{name}/cases.jsonl", cases)])
        if name != "mine":
            write(own, [(f"requirements/{name}.yaml", f"defaults: [base, _self_]\nname: {name}")])
    with (own / "task/unasked.yaml").open("a") as file:
        file.write('prompt: "{{ txt }}"\n')
    write(folder / "tasks", [("judged/strict.py", STRICT)])
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    return check_files(
        [folder / "own", folder / "ours"], [folder / "tasks", paths.builtin("tasks")], TODAY
    )


@pytest.fixture
def problems(report: Report, folder: Path) -> Callable[[str], list[str]]:
    return lambda file: about(report.problems, folder, file)


@pytest.fixture
def notes(report: Report, folder: Path) -> Callable[[str], list[str]]:
    return lambda file: about(report.notes, folder, file)


def about(lines: list[str], folder: Path, file: str) -> list[str]:
    start = f"{folder / 'own' / file}: "
    return [line.removeprefix(start) for line in lines if line.startswith(start)]


Lines = Callable[[str], list[str]]


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("model/typo.yaml", "contxt_tokens: no such key; did you mean 'context_tokens'?"),
        ("model/alias.yaml", "id: 'gpt-4o' is an alias of gpt-4o-2024-05-13"),
        ("model/codestral.yaml", "id: 'codestral-latest' is an alias"),
        ("model/gone.yaml", "retires: gone retired on 2026-11-27"),
        ("model/lost.yaml", "successor: no model 'haiko'; did you mean 'haiku'?"),
        ("model/future.yaml", "price.source: is empty"),
        ("model/misnamed.yaml", "name: is 'other', the file says 'misnamed'"),
        ("model/nowhere.yaml", "provider=nowhere: no such option"),
        ("model/not_yaml.yaml", "is not YAML"),
        ("model/environment.yaml", "a config never reads the environment"),
        ("provider/slow.yaml", "timeout: 'soon' is no duration"),
        ("retry/never.yaml", "attempts: input should be greater than or equal to 1"),
        ("mapping/bad.yaml", "extraction: gone retired on 2026-11-27"),
        ("mapping/bad.yaml", "extractoin: no such task; did you mean 'extraction'?"),
        ("fallback/bad.yaml", "chain.first: gone retired on 2026-11-27"),
        ("sweep/models.yaml", "model=gone: gone retired on 2026-11-27"),
        ("mapping/asked.yaml", "overrides.reasoning: the mapping has no such task"),
        ("mapping/asked.yaml", "overrides.extraction.task.promt: task.promt: no such key"),
        ("prompt/misnamed.yaml", "prompt_name: is 'other', the file says 'misnamed'"),
        ("sweep/models.yaml", "model=haiko: no such model; did you mean 'haiku'?"),
        ("sweep/bad.yaml", "task=extractoin: no such option; did you mean 'extraction'?"),
        ("sweep/single.yaml", "hydra.mode: say MULTIRUN"),
        ("scenario/broken.yaml", "there is no file scenario/nothing.yaml"),
        ("task/judged.yaml", "case 'a': strict: expected is 'no', not 'yes'"),
        ("task/unread.yaml", "cases.jsonl:2: input:"),
        ("task/unasked.yaml", "case 'a': 'txt' is undefined"),
        ("task/unscored.yaml", "task.scorers.exakt: no such scorer; did you mean 'exact'?"),
        ("task/mine.yaml", "requirements.bounds: no metric 'speed'"),
    ],
)
def test_each_mistake_is_found_at_its_place(problems: Lines, file: str, expected: str) -> None:
    """A mistake is reported with the file it stands in, the key, and what would be right."""
    assert [line for line in problems(file) if expected in line]


@pytest.mark.parametrize(
    "file",
    ["model/good.yaml", "model/allowed.yaml", "model/soon.yaml", "model/old.yaml",
     "model/seed/then.yaml", "scenario/theirs.yaml"],
)  # fmt: skip
def test_what_is_right_is_no_problem(problems: Lines, file: str) -> None:
    """An allowed alias, an old price, a retirement ahead and a foreign group are no problems."""
    assert problems(file) == []


def test_a_broken_neighbour_hides_nothing(problems: Lines) -> None:
    """Two files that do not even compose leave the others of their group checked."""
    assert len(problems("model/future.yaml")) == 2
    assert len(problems("model/nowhere.yaml")) == 1


def test_an_old_price_and_one_that_differs_are_noted(report: Report, notes: Lines) -> None:
    """A price older than 90 days, and each value that is not the lists', are worth a line."""
    assert "price.checked: 2026-08-01 is 119 days ago" in notes("model/old.yaml")
    said = [str(each) for option, each in report.differences if option == "old"]
    assert "price.input_usd_per_mtok: is 9.0, litellm says 2.5, genai-prices says 2.5" in said


def test_a_retirement_ahead_is_noted_with_its_successor(notes: Lines) -> None:
    """The notes say when a model will be gone and what to use then."""
    assert "retires: 2026-11-30, in 2 days; then use model=haiku" in notes("model/soon.yaml")


def test_a_price_that_will_change_is_noted(notes: Lines) -> None:
    """What costs something else within 90 days is worth a line today."""
    [said] = notes("model/dearer.yaml")
    assert said == "price: from 2027-01-01 on $9 in and $10 out per million tokens"


def test_what_a_mapping_uses_lives_and_has_room_to_think(notes: Lines) -> None:
    """The end of a model that is in use, and a limit that its thinking may use up, are noted."""
    thinks, ends = notes("mapping/short.yaml")
    assert ends == "retires: extraction: soon on 2026-11-30"
    assert "max_tokens: task=mine: thinker thinks first (high): the answer's max_tokens" in thinks
    assert thinks.endswith("give it more, or reasoning_effort=none")


def test_a_judge_has_room_to_think(problems: Lines, notes: Lines) -> None:
    """A judge whose limit its thinking may use up is noted at its task, once for all cases."""
    assert problems("task/weighed.yaml") == []
    [thinks] = notes("task/weighed.yaml")
    assert thinks.startswith("max_tokens: task=weighed: thinker thinks first (high): the judge's")


def test_one_group_alone(folder: Path) -> None:
    """A look at the models alone checks nothing else, and a name that is no group is refused."""
    tasks = [paths.builtin("tasks")]
    report = check_files([folder / "ours"], tasks, TODAY, ["model"])
    assert report.checked == len(KEPT["model"])
    with pytest.raises(ConfigError, match="modle: no such folder of conf/; did you mean 'model'"):
        check_files([folder / "ours"], tasks, TODAY, ["modle"])


def test_an_old_table_is_expected_to_be_old(report: Report, folder: Path, notes: Lines) -> None:
    """What stands in the seed folder is noted for the curious only."""
    file = "model/seed/then.yaml"
    assert notes(file) == []
    assert len(about(report.details, folder, file)) == 2
    assert [line for line in report.details if line.startswith("seed/then: price.input_usd")]


def test_ours_is_still_in_order_below_it(report: Report, folder: Path) -> None:
    """A user's mistakes are not blamed on the files that shipped."""
    ours = [line for line in report.problems if line.startswith(str(folder / "ours"))]
    kept = [line for line in ours if "there is no " not in line]  # few of our models were kept
    assert kept == []


def test_a_config_that_does_not_load_is_the_only_problem(folder: Path, tmp_path: Path) -> None:
    """When the defaults themselves are broken there is nothing to check options against."""
    own = write(tmp_path, [("retry/default.yaml", "name: default\nattempts: many\n")])
    report = check_files([own, folder / "ours"], [paths.builtin("tasks")], TODAY)
    assert report.checked == 0
    assert any("retry.attempts" in problem for problem in report.problems)


def test_the_exit_code_is_for_a_hook(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends with 2 when there is a problem, and prints it in one line."""
    own = write(tmp_path, [("retry/default.yaml", "name: default\nattempts: many\n")])
    assert command.main(["--config-dir", str(own)]) == 2
    problem, *_ = capsys.readouterr().out.splitlines()
    assert "retry.attempts" in problem


def test_what_is_compiled(folder: Path) -> None:
    """Each model's requests are compiled, are said to be litellm's, or are a problem."""
    own = write(folder / "compiled", COMPILED.items())
    found = check_files([own, folder / "ours"], [], TODAY, ["model"], compiles=True)

    def of(name: str, lines: list[str]) -> list[str]:
        return [line.partition(".yaml: ")[2] for line in lines if f"/{name}.yaml: " in line]

    assert "compiled: whole and as a stream" in of("haiku", found.details)
    assert "compiled: whole and as a stream" in of("local", found.details)
    ways = ("whole", "as a stream")
    assert of("signed", found.notes) == [
        f"compiled: not {way}, litellm sends such requests: each is signed" for way in ways
    ]
    [refused] = of("refused", found.problems)
    assert "litellm makes no request of it" in refused
    assert of("prefix", found.problems)[0].startswith("provider.litellm: 'grok' is none of")
