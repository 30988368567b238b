"""`select` walks the tree, excludes, ranks, and prints a command that measures what is left."""

import json
import shlex
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from runner.commands import select as command
from runner.commands._arguments import arguments
from runner.commands.command_line import main
from runner.config import loading, paths
from runner.config.catalogue import Options
from runner.config.schema import Job, Single
from runner.decide.select import selecting
from runner.decide.select.candidates import Selection
from tests.decide.costs.test_workload import answer, usage, write_run

TODAY = date(2026, 11, 28)
Shown = Callable[..., str]
Select = Callable[..., Selection]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What the command prints."""

    def run(*arguments: str) -> str:
        assert command.main([*arguments, "outputs=null"], TODAY) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def select(catalogue: Mapping[str, Single]) -> Callable[..., Selection]:
    """What it comes to, without composing the catalogue anew."""

    def run(*given: str) -> Selection:
        with arguments("select", None, given).conf() as config:
            settings = command.settings_of(config, given)
        return selecting.select(settings.model_copy(update={"outputs": None}), catalogue, TODAY)

    return run


def jobs(line: str) -> list[Job]:
    """What a printed command runs, composed and typed as the command line would."""
    python, _, runner, *argv = shlex.split(line)
    assert (python, runner) == ("python", "runner")
    given = arguments("eval", None, argv)
    sweeps = [OverridesParser.create().parse_override(each) for each in given.overrides]
    names = [
        name
        for sweep in sweeps
        if sweep.key_or_group == "model"
        for name in (
            sweep.sweep_string_iterator() if sweep.is_sweep_override() else [sweep.value()]
        )
    ]
    assert given.multirun == (len(names) > 1)
    fixed = [each for each in given.overrides if not each.startswith("model=")]
    options = Options(
        [Path(folder) for folder in (given.config_dir, paths.builtin("conf")) if folder]
    )
    with options.open():
        return [loading.load(options.compose(*fixed, f"model={name}")) for name in names]


def answered(selection: Selection) -> int | None:
    """The number of the question that is answered yes."""
    answers = [step.yes for step in selection.path]
    assert answers in ([False] * 10, [False] * (len(answers) - 1) + [True])
    return len(answers) if answers[-1] else None


@pytest.mark.parametrize(
    ("need", "question"),
    [
        ("code generation", 7),
        ("data extraction", 8),
        ("classification", 8),
        ("long documents", 2),
        ("complex reasoning", 3),
        ("creative writing", 9),
        ("high throughput", 4),
        ("multilingual", 10),
    ],
)
def test_each_strength_of_the_lesson(select: Select, need: str, question: int) -> None:
    """Its question says yes; first comes the cheapest that is good at it, and stays."""
    selection = select(f"needs=[{need}]")
    assert answered(selection) == question
    first, *_ = selection.shortlist
    good = [each for each in selection.left if need in each.model.strengths]
    staying = [each.usd_per_request for each in good if each.retiring is None]
    assert first.good_at == (need,)
    assert first.usd_per_request == min(usd for usd in staying if usd)
    others = [each for each in selection.shortlist if each not in good]
    assert len(good) < 4 or others in ([], [selection.best])
    assert not [each.option for each in selection.shortlist if each.retiring] or len(staying) < 4


def test_data_sensitive_work_stays_at_home(select: Select) -> None:
    """The lesson's eighth strength: servers of one's own lead, and a bound makes it a must."""
    wished = select("needs=[data-sensitive]")
    assert answered(wished) == 1
    assert {each.model.provider.data for each in wished.shortlist} <= {"self_hosted", "on_device"}
    assert any(each.model.provider.data == "third_party" for each in wished.fit_too)
    must = select("needs=[data-sensitive]", "requirements.data_privacy=strict")
    assert all(each.model.provider.data != "third_party" for each in must.left)


@pytest.mark.parametrize(
    ("arguments", "question", "first", "excluded"),
    [
        # The lesson's own checklist: six times no, and the safe default is too dear at 8,000 in.
        (["requirements=chat"], None, "mistral-large",
         {"gpt-6.1-sol": "max_cost_per_request", "gpt-4o-mini": "max_latency_ms"}),
        # Short answers: half a second of writing and two of thinking fit into three.
        (["task=extraction"], 8, "gpt-6-luna", {}),
        # With 1.5 s its thinking may be too long, which is open; what thinks for sure is out.
        (["task=extraction", "requirements.max_latency_ms=1500"], 5, "gpt-6-luna",
         {"o3": "max_latency_ms"}),
        # A tenth of a cent: the two that the tree names lead, own servers have no price on file.
        (["task=classification"], 6, "mistral-small", {"gpt-4o": "max_cost_per_request"}),
        (["task=summarization"], None, "mistral-large", {"opus": "max_cost_per_request"}),
        # A minute is time to think in.
        (["task=reasoning"], 3, "grok-4.7", {}),
        # 1.5 s are not: the question says so, and what is known to take longer is out.
        (["task=reasoning", "requirements.max_latency_ms=1500"], 5, "haiku",
         {"o3": "max_latency_ms", "gpt-6-luna": "max_latency_ms"}),
        (["task=code_generation"], 7, "glm-5.3-flash-together", {}),
        (["task=extraction", "requirements.data_privacy=strict"], 1, "llama-70b-vllm",
         {"haiku": "data_privacy"}),
        (["task=extraction", "requirements.data_privacy=air-gapped"], 1, "llama-70b-ollama",
         {"llama-70b-vllm": "data_privacy"}),
        (["requirements.context_needed=500000"], 2, "gemini-4-argon",
         {"haiku-4-5": "context_needed"}),
        # 11,400 a minute on average, three times as many at peak.
        (["requirements.requests_per_month=500000000"], 4, "ministral-3b", {}),
        (["task=code_generation", "+min_benchmarks.humaneval=85"], 7, "glm-5.3-flash-together",
         {"llama-70b-vllm": "min_benchmarks.humaneval"}),
    ],
)  # fmt: skip
def test_what_ships(
    select: Select,
    arguments: list[str],
    question: int | None,
    first: str,
    excluded: dict[str, str],
) -> None:
    """The question that says yes, who leads, and whom a bound excludes, for the files of conf/."""
    selection = select(*arguments)
    assert answered(selection) == question
    assert selection.shortlist[0].option == first
    out = {each.option: each.excluded for each in selection.excluded}
    for option, requirement in excluded.items():
        assert str(out[option][0]).startswith(f"{requirement}: ")


def test_what_ends_soon_is_never_suggested_without_a_word(
    select: Select, catalogue: Mapping[str, Single]
) -> None:
    """For each strength that a model has: nothing dead is offered, and an end near is told."""
    strengths = {each for model in catalogue.values() for each in model.strengths}
    assert len(strengths) >= 8
    told = set()
    for strength in sorted(strengths):
        selection = select(f"needs=[{strength}]")
        assert selection.shortlist
        for each in selection.left:
            ends = catalogue[each.option].retires
            assert ends is None or ends > TODAY, each.option
            near = ends is not None and ends - TODAY <= timedelta(days=90)
            assert (each.retiring is not None) == near, each.option
            told |= {each.option} if near else set()
    assert told == {"gpt-4o", "gpt-4o-mini", "o3"}


def test_an_impossible_set_says_what_must_give_least(select: Select) -> None:
    """Nothing fits, and nobody is nearer than the first, whatever has to be loosened for it."""
    selection = select(
        "requirements.max_cost_per_request=0.0001",
        "requirements.max_latency_ms=2000",
        "requirements.context_needed=300000",
    )
    assert not selection.left
    nearest, *others = selection.excluded
    assert all(nearest.distance <= each.distance for each in others)
    assert nearest.distance[0] == 0


def test_what_nobody_states_is_said(select: Select) -> None:
    """Certificates, regions and rate limits that no file states exclude nobody, and are told."""
    selection = select("requirements=chat", "requirements.certifications=[SOC2]")
    assert selection.shortlist[0].unstated == ("certifications",)
    assert any("34 requests a minute come at peak" in each for each in selection.notes)


@pytest.mark.usefixtures("composed")
def test_dearer_than_the_cheapest_is_said(shown: Shown) -> None:
    """A suggestion of ten times the cheapest that fits says how many times."""
    assert " times as dear as " in " ".join(shown("task=reasoning").split())


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize(
    "arguments",
    [
        ["requirements=chat", "shortlist=2"],
        ["task=code_generation", "requirements=base", "shortlist=1"],
        ["task=extraction", "requirements=chat", "+requirements.bounds.accuracy.min=0.9"],
    ],
)
def test_the_printed_command_measures_the_shortlist(
    shown: Shown, select: Select, arguments: list[str]
) -> None:
    """It parses, composes and types, with these models, this task and these requirements."""
    *_, last = shown(*arguments).splitlines()
    label, _, line = last.partition(": ")
    assert label == "Run next"
    assert [job.model.name for job in jobs(line)] == [
        each.option for each in select(*arguments).shortlist
    ]
    for argument in arguments:
        if argument.lstrip("+").startswith(("task", "requirements")):
            assert argument in shlex.split(line)


def test_air_gapped_leaves_only_this_machine(select: Select) -> None:
    """All that is left runs on the device, and the others are excluded for where they run."""
    selection = select("task=extraction", "requirements.data_privacy=air_gapped")
    assert "local" in [each.option for each in selection.left]
    assert {each.model.provider.data for each in selection.left} == {"on_device"}
    assert all(str(each.excluded[0]).startswith("data_privacy: ") for each in selection.excluded)


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize("word", ["air-gapped", "Air gapped", "airgapped"])
def test_air_gapped_in_other_spellings(
    word: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is one word; and what the tree names and the bound puts out is said beside the tree."""
    monkeypatch.chdir(tmp_path)
    assert main(["select", f"requirements.data_privacy={word}"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Of these llama-70b-vllm and mistral-large-vllm are out, as said below." in said
    assert main(["select", f"data_privacy={word}"]) == 2
    assert "did you mean 'requirements.data_privacy'?" in capsys.readouterr().err


def test_the_tokens_of_a_tasks_own_cases(select: Select, tmp_path: Path) -> None:
    """The mean of the cases in, the expected answers out; a finished run knows better; you best."""
    cases = tmp_path / "cases.jsonl"
    lines = [{"id": n, "input": "x" * 4000, "expected": n * 40} for n in ("a", "b")]
    cases.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    own = ["task=summarization", f"task.cases={cases}"]
    size = select(*own).workload
    assert 1000 < size.input_tokens < 1300
    assert size.output_tokens == 10
    run = write_run(tmp_path / "run", answer("a", usage(100, 10)), answer("b", usage(300, 30)))
    size = select(*own, f"from={run}").workload
    assert (size.input_tokens, size.output_tokens) == (200, 20)
    size = select(*own, "input_tokens=7", "output_tokens=8").workload
    assert (size.input_tokens, size.output_tokens) == (7, 8)


def test_without_a_task_the_requirements_say_the_size(select: Select) -> None:
    """context_needed in and 500 out, and the notes call this a guess."""
    selection = select("requirements=chat")
    assert selection.workload.sizes == {(8000, 500): 1}
    assert "context_needed; out: a guess" in selection.notes[0]
    assert select().workload.sizes == {(1500, 500): 1}


@pytest.mark.usefixtures("composed")
def test_json_is_strict_and_whole(shown: Shown) -> None:
    """Every model is in one of three lists, and what is unknown is null."""
    text = shown("task=extraction", "requirements.max_cost_per_request=0.001", "format=json")
    tree = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    known = [each["model"] for each in [*tree["shortlist"], *tree["fit_too"]]]
    assert len(tree["shortlist"]) == 4
    assert {"local", "llama-70b-vllm"} <= set(known) and "opus" in tree["excluded"]
    unknown = next(each for each in tree["fit_too"] if each["model"] == "llama-3b-ollama")
    assert unknown["seconds"] is unknown["seconds_at_most"] is unknown["usd_per_request"] is None
    assert tree["path"][0]["yes"] is False
    assert tree["command"].startswith("python -m runner -m task=extraction requirements.max_c")


@pytest.mark.usefixtures("composed")
def test_the_table_tells_it_all(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """The path, the suggestion, what is open, what retires, keys not set, why not the others."""
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-some-key-of-mistral")
    said = " ".join(shown("requirements=chat", "shortlist=30", "retires_within_days=900").split())
    assert "1. Does your data need to stay on your infrastructure? no data_privacy is st" in said
    assert "→ gpt-6.1-sol, mistral-large. The safe default" in said
    assert "max_latency_ms is open: no speed of it is on file" in said
    assert "retires on 2027-04-30, then" in said
    assert "needs ANTHROPIC_API_KEY, not set" in said
    assert "MISTRAL_API_KEY" not in said
    assert "gpt-4o-mini max_latency_ms: typically 4,367 ms for 500 tokens, 3,000 at most" in said


@pytest.mark.usefixtures("composed")
def test_nothing_fits(shown: Shown, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is said, with the nearest and its reason; there is no command, and no sweep is written."""
    impossible = ["requirements=base", "requirements.context_needed=9000000"]
    text = shown(*impossible)
    assert "nothing fits; the nearest: gpt-6-luna (context_needed: it takes 1,050,000 " in text
    assert "Run next" not in text
    file = tmp_path / "sweep/mine.yaml"
    assert main(["select", *impossible, f"to={file}"]) == 2
    assert "to: nothing fits, so there is no sweep" in capsys.readouterr().err
    assert not file.exists()


@pytest.mark.usefixtures("composed")
def test_a_sweep_of_the_result(shown: Shown, tmp_path: Path) -> None:
    """`to=` writes a file that `sweep=` takes: a sweep over the shortlist, on the same terms."""
    file = tmp_path / "own/sweep/mine.yaml"
    text = shown("task=extraction", "requirements.max_latency_ms=5000", f"to={file}", "format=json")
    options = Options([tmp_path / "own", paths.builtin("conf")])
    with options.open():
        hydra = options.compose("sweep=mine", hydra=True).hydra
    assert hydra.mode.name == "MULTIRUN"
    assert hydra.sweeper.params == {
        "task": "extraction",
        "requirements.max_latency_ms": "5000",
        "model": ",".join(each["model"] for each in json.loads(text)["shortlist"]),
    }


def test_the_sweep_that_ships_is_selects_to_renew(select: Select) -> None:
    """conf/sweep/shortlist.yaml was written by select, from models that still fit."""
    file = paths.builtin("conf") / "sweep/shortlist.yaml"
    params = yaml.safe_load(file.read_text())["hydra"]["sweeper"]["params"]
    fit = {each.option for each in select(f"task={params['task']}").left}
    assert set(params["model"].split(",")) <= fit
    assert f"select task={params['task']} to=conf/sweep/shortlist.yaml`" in file.read_text()


def test_a_users_own_files(shown: Shown, tmp_path: Path) -> None:
    """A model, a task's needs and a tree of one's own count, and the command has --config-dir."""
    files = {
        "model/mine.yaml": "defaults: [/base/model@_here_, /provider: local, _self_]\n"
        "name: mine\nid: mine\ncontext_tokens: 10000\nstrengths: [tax law]\n"
        "artifact: {path: /tmp/mine.gguf, context_tokens: 10000}\n",
        "task/taxes.yaml": "defaults: [extraction, _self_]\nname: taxes\nneeds: [tax law]\n",
        "requirements/taxes.yaml": "defaults: [base, _self_]\nname: taxes\n",
        "decision/one.yaml": "name: one\notherwise: {models: [haiku], why: Else.}\n"
        "rules:\n  - question: Is it about taxes?\n    why: Because.\n"
        "    when: [{needs: [tax law], task: [taxes]}]\n    strengths: [tax law]\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    own = ["--config-dir", str(tmp_path)]
    tree = json.loads(shown("task=taxes", "decision=one", "format=json", *own))
    assert [step["why"] for step in tree["path"]] == ["task is taxes, needs are tax law"]
    assert tree["shortlist"][0]["model"] == "mine"
    assert [job.task.name for job in jobs(tree["command"])] == ["taxes"] * 4


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["task=extractoin"], "task=extractoin: no such option; did you mean 'extraction'?"),
        (["requirements=chatt"], "requirements=chatt: no such option; did you mean 'chat'?"),
        (["decision=defualt"], "decision=defualt: no such option; did you mean 'default'?"),
        (["task=../../x"], "task=../../x: an option is the name of a file in conf/task/"),
        (["taks=extraction"], "taks: no such key; did you mean 'task'?"),
        (["requirements.max_cost=1"], "requirements.max_cost: no such key"),
        (["needs=[multilingal]"], "needs: no model is good at 'multilingal'; did you mean"),
        (["decision.otherwise.models=[haiko]"], "decision.otherwise.models: there is no 'haiko'"),
        (["shortlist=0"], "shortlist: input should be greater than or equal to 1"),
        (["format=csv"], "format: input should be 'table' or 'json'"),
        (["from=nowhere"], "from: nowhere: is no run"),
        (["to=mine.yaml"], "to: mine.yaml is no sweep; name a file like"),
        (["task=extraction", "task.cases=no.jsonl"], "task.cases: no file 'no.jsonl'"),
        (["haiku"], "haiku: is no override; write key=value"),
    ],
)
def test_bad_input_is_a_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    """What is wrong is said in one line, with what would be right, and exit code 2."""
    assert main(["select", *arguments]) == 2
    said = capsys.readouterr()
    [line] = said.err.splitlines()
    assert line.startswith(f"runner: {problem}")
    assert said.out == ""


@pytest.mark.usefixtures("composed")
def test_a_day(shown: Shown) -> None:
    """Prices are those of the day that is asked for, and of today where none is."""

    def dollars(*arguments: str) -> float:
        told = json.loads(shown("format=json", "shortlist=99", *arguments))
        by_model = {each["model"]: each["usd_per_request"] for each in told["shortlist"]}
        return float(by_model["gemini-flash"])

    assert dollars("day=2027-01") == 2 * dollars()
