"""What conf/ ships: it composes, it is dated, and what it says of the models is so."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from runner.calls.translate import check_parameters
from runner.cases.cases import Case
from runner.cases.query import parameters, query
from runner.commands._check_files import check_files
from runner.config import paths, pins, schema, tools
from runner.config.schema import Price, Single, Task
from runner.errors import ConfigError

CONF = paths.builtin("conf")
TODAY = date(2026, 11, 28)
TASKS = [
    *("classification", "code_generation", "extraction", "reasoning", "summarization"),
    "tool_use",
]
OPTIONS = [
    (file.relative_to(CONF).parts[0], str(file.relative_to(CONF).with_suffix("")), file)
    for file in sorted(CONF.rglob("*.yaml"))
    if file.parent != CONF and file.relative_to(CONF).parts[0] not in ("base", "hydra")
]

# The early-2026 table: dollars per million tokens in and out, context window; then time to first
# token in ms and tokens per second; then MMLU, HumanEval, MATH, GSM8K.
TABLE: dict[str, tuple[Any, ...]] = {
    "gpt-4o": (2.50, 10.00, 128_000, 300, 80, 88.7, 90.2, 76.6, 95.8),
    "gpt-4o-mini": (0.15, 0.60, 128_000, 200, 120, None, None, None, None),
    "o3": (10.00, 40.00, 200_000, (2000, 30000), 40, 89.5, 92.7, 96.7, 98.9),
    "sonnet": (3.00, 15.00, 200_000, 400, 70, 88.7, 92.0, 78.3, 96.4),
    "haiku": (0.80, 4.00, 200_000, 200, 150, None, None, None, None),
    "opus": (15.00, 75.00, 200_000, None, None, 91.0, 93.1, 82.1, 97.2),
    "gemini-1.5-pro": (1.25, 5.00, 2_000_000, None, None, 85.9, 84.1, 67.7, 91.0),
    "gemini-2.0-flash": (0.10, 0.40, 1_000_000, 150, 200, None, None, None, None),
    "mistral-large": (2.00, 6.00, 128_000, None, None, 84.0, 81.0, 65.2, 91.2),
    "mistral-small": (0.10, 0.30, 128_000, None, None, None, None, None, None),
    "llama-70b-together": (0.88, 0.88, 128_000, None, None, 86.0, 80.5, 68.0, 93.0),
    "llama-8b-together": (0.18, 0.18, 128_000, None, None, None, None, None, None),
}


@pytest.fixture(scope="module")
def hydra() -> Iterator[None]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


@pytest.fixture
def models(every_model: Mapping[str, Single]) -> Mapping[str, Single]:
    return every_model


@pytest.fixture(scope="module")
def tasks(hydra: None) -> dict[str, Task]:
    nodes = {name: tools.put_in(compose(None, [f"+task={name}"])).task for name in TASKS}
    return {name: Task.model_validate(OmegaConf.to_container(node)) for name, node in nodes.items()}


def test_every_option_composes_validates_and_is_in_order() -> None:
    """Nothing that ships has a problem; all there is to note is ahead, or said by nobody."""
    report = check_files([CONF], [paths.builtin("tasks")], TODAY)
    assert report.problems == []
    known = (".yaml: retires: 20", ".yaml: price: from 20", "conf/model: reasoning.")
    assert [note for note in report.notes if not any(each in note for each in known)] == []
    assert report.checked >= len(OPTIONS)


@pytest.mark.parametrize(("group", "name", "file"), OPTIONS, ids=[name for _, name, _ in OPTIONS])
def test_every_file_opens_with_the_command_that_uses_it(group: str, name: str, file: Path) -> None:
    """The comment that a file starts with holds a command, with this very option in it."""
    opening = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        opening.append(line)
    command = next((line for line in opening if line.startswith("# python -m runner")), "")
    assert command
    if group not in ("provider", "requirements", "tools"):  # chosen by a model, a task
        assert re.search(rf"\b{group}={re.escape(name.removeprefix(f'{group}/'))}(\s|$)", command)


def test_names_are_the_names_of_the_files(models: Mapping[str, Single]) -> None:
    """What a report calls a model is what model= takes; those in a folder carry its name."""
    assert {name: model.name for name, model in models.items()} == {
        name: name.replace("/", "-") for name in models
    }


def test_every_hosted_model_has_a_dated_and_sourced_price(models: Mapping[str, Single]) -> None:
    """No price without its day and where it stands; a provider's model always has one."""
    for name, model in models.items():
        if model.provider.data == "third_party":
            assert model.price is not None, name
        if model.price is not None:
            assert model.price.checked and model.price.checked <= TODAY, name
            assert model.price.source.strip(), name


def test_what_our_own_gpus_cost_is_no_price_per_token(models: Mapping[str, Single]) -> None:
    """Tokens of a server of our own have an unknown price, which is not zero."""
    own = [model for model in models.values() if model.provider.data == "self_hosted"]
    assert own
    assert all(model.price is None for model in own)


@pytest.mark.parametrize(
    ("provider", "at_least"),
    [("openai", 8), ("anthropic", 5), ("google", 5), ("mistral", 5), ("together", 5),
     ("fireworks", 5), ("groq", 3), ("cerebras", 2), ("deepseek", 2), ("xai", 2), ("zai", 2),
     ("moonshot", 1), ("dashscope", 2), ("openrouter", 1), ("ollama", 2), ("vllm", 2)],
)  # fmt: skip
def test_every_family_has_models_that_live(
    models: Mapping[str, Single], provider: str, at_least: int
) -> None:
    """Outside the old table, every provider offers models that are not retired."""
    living = [
        name
        for name, model in models.items()
        if model.provider.name == provider
        and not name.startswith("seed/")
        and (model.retires is None or model.retires >= TODAY)
    ]
    assert len(living) >= at_least


def test_a_retired_model_names_a_living_successor(models: Mapping[str, Single]) -> None:
    """Whoever follows a successor arrives at a model that can be called; who ends soon has one."""
    for name, model in models.items():
        ends_soon = model.retires is not None and model.retires - TODAY < timedelta(days=365)
        if model.successor is not None or ends_soon:
            assert model.successor in models, name
        if model.successor is not None and model.retires is not None:
            after = models[model.successor].retires
            assert after is None or after > max(TODAY, model.retires), name


@pytest.mark.parametrize("mapping", ["hosted", "default"])
def test_a_mapping_covers_all_tasks(hydra: None, mapping: str) -> None:
    """Each mapping that ships says who answers each of the five tasks."""
    assert sorted(compose(None, [f"+mapping={mapping}"]).mapping) == TASKS


def test_a_fallback_nests_whole_models(hydra: None) -> None:
    """The chain's models land in the chain, in order, each with a provider of its own."""
    node = OmegaConf.to_container(compose(None, ["+fallback=cross_provider"]).fallback)
    fallback = schema.Fallback.model_validate(node)
    singles = {key: model for key, model in fallback.chain.items() if isinstance(model, Single)}
    assert [(key, model.provider.name) for key, model in singles.items()] == [
        ("first", "openai"),
        ("second", "mistral"),
    ]
    assert "auth" not in fallback.on


def test_what_ships_as_a_choice_lives_on(hydra: None, models: Mapping[str, Single]) -> None:
    """Each model of the hosted mapping, the shortlist and the fallback can still be called on the
    last of the next 90 days, and litellm's map knows of no end before it."""
    sweep = OmegaConf.load(CONF / "sweep/shortlist.yaml")
    chosen = set(sweep.hydra.sweeper.params.model.split(","))
    chosen |= {node.name for node in compose(None, ["+mapping=hosted"]).mapping.values()}
    chain = compose(None, ["+fallback=cross_provider"]).fallback.chain
    chosen |= {node.name for node in chain.values()}
    assert len(chosen) >= 6
    last = TODAY + timedelta(days=90)
    for name in sorted(chosen):
        pins.check_callable(models[name], last)
        listed = (pins.entry(models[name]) or {}).get("deprecation_date")
        assert listed is None or date.fromisoformat(listed) > last, name


@pytest.mark.parametrize("row", TABLE)
def test_the_old_table_is_kept_as_it_was_printed(models: Mapping[str, Single], row: str) -> None:
    """Prices, windows, latencies and benchmarks of early 2026 are those of the printed table."""
    model = models[f"seed/{row}"]
    assert isinstance(model.price, Price)
    found = [model.benchmarks.get(key) for key in ("mmlu", "humaneval", "math", "gsm8k")]
    scores = [score and score.value for score in found]
    first = model.typical.ttft_ms and list(dict.fromkeys(model.typical.ttft_ms))
    assert TABLE[row] == (
        model.price.input_usd_per_mtok,
        model.price.output_usd_per_mtok,
        model.context_tokens,
        first and (first[0] if len(first) == 1 else tuple(first)),
        model.typical.tokens_per_second,
        *scores,
    )
    assert model.price.checked == date(2026, 1, 31)


def test_the_old_table_has_twelve_rows(models: Mapping[str, Single]) -> None:
    """The folder holds the table's rows and nothing else."""
    assert {name for name in models if name.startswith("seed/")} == {f"seed/{r}" for r in TABLE}


def test_every_model_takes_what_the_tasks_ask_for(
    models: Mapping[str, Single], tasks: dict[str, Task]
) -> None:
    """With its drop_params left out, no task asks any model for what litellm refuses."""
    for model in models.values():
        for task in tasks.values():
            check_parameters(
                model, parameters(model, query(task, Case(id="c", input="x"), [], seed=7))
            )


def test_drop_params_name_no_more_than_is_refused(models: Mapping[str, Single]) -> None:
    """What drop_params name litellm would refuse, or else the file says who refuses it."""
    schema = {"name": "x", "schema": {"type": "object"}, "strict": True}
    wanted: dict[str, dict[str, Any]] = {
        "temperature": {"temperature": 0.0},
        "top_p": {"top_p": 0.9},
        "seed": {"seed": 7},
        "stop": {"stop": ["x"]},
        "json_schema": {"response_format": {"type": "json_schema", "json_schema": schema}},
    }
    refused = []
    for name, model in models.items():
        for param in model.drop_params:
            try:
                check_parameters(model, wanted[param])
            except ConfigError:
                refused.append((name, param))
    named = [(name, param) for name, model in models.items() for param in model.drop_params]
    known = {name for name, param in set(named) - set(refused)}
    assert known <= {name for name, model in models.items() if "drop_params" in model.caveats}


def test_no_answer_may_fill_the_whole_window(
    models: Mapping[str, Single], tasks: dict[str, Task]
) -> None:
    """The longest answer that a task asks for leaves room for its prompt in every model."""
    for name, model in models.items():
        for task in tasks.values():
            asked = parameters(model, query(task, Case(id="c", input="x"), [], None))["max_tokens"]
            assert asked <= model.context_tokens / 2 or asked < model.context_tokens - 2000, name
