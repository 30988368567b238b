"""Apply a decision to new inputs: as measured, with retries, fallback, journal and resume.

    python -m runner run task=extraction model=haiku input=tickets.jsonl output=answers.jsonl
    cat tickets.jsonl | python -m runner run task=extraction model=haiku input=- > answers.jsonl
    python -m runner run task=extraction model=haiku input="one text"
    echo "one text" | python -m runner run task=extraction model=haiku input=-

A line of input is a text in quotes, or an object with input (or messages, or turns) and perhaps id,
tags, user, system, max_tokens, images and files; in a file that ends in .txt each line is a text as
it is. Each line gets one line of output, in its order, as soon as its turn has come: a failure says
its kind and error, a line that is no request has the kind invalid_input. After an interrupt the
same command goes on.
"""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing, suppress
from datetime import date
from pathlib import Path

from omegaconf import DictConfig

from runner.cases.prompt import variableless
from runner.cases.query import Query, query
from runner.commands._arguments import arguments
from runner.commands.command_line import explain
from runner.config.paths import shown
from runner.config.redact import redact
from runner.config.terminal import say
from runner.errors import INCOMPLETE_EXIT, ConfigError, RunnerError
from runner.measure.formatting import show
from runner.pipeline import plan, provenance
from runner.pipeline.shards import share
from runner.production import inputs
from runner.production.answer import Answer, Totals
from runner.production.answer_file import Output
from runner.production.inputs import InvalidInput, Source, source
from runner.production.job import BatchJob
from runner.production.journal_order import claim
from runner.record.files import RESULT, RUN, write_json
from runner.record.outcomes import Counts, Result
from runner.record.run import Run


def main(argv: Sequence[str]) -> int:
    # A text or a path may hold what means something to Hydra.
    given = arguments("run", __doc__, argv, texts=["input", "output"], bare=False)
    job = given.job(BatchJob)
    if job.shards > 1 and not Path(job.input).is_file():
        raise ConfigError("shards: read a file each; input is none")

    def in_shards(directory: Path) -> None:
        from runner.commands import _shards

        _shards.place(given, job, directory, run_shard)

    return apply(job, in_shards if job.shards > 1 else lambda _: None)


def run_shard(cfg: DictConfig) -> None:
    """Hydra's task function: the lines of one shard. What they come to is written by the merged."""
    from runner.commands import _shards
    from runner.pipeline import event_loop
    from runner.production import batch, deployment

    def work(whole: BatchJob, directory: Path) -> None:
        job = share(whole)
        deployment.check_production(job)
        write_json(directory / RUN, {"kind": "production"} | provenance.about(job))
        with closing(source(job.input, job.part)) as given:
            event_loop.run(batch.run(job, given, directory, lambda _: None, lambda: None))

    _shards.fill(cfg, BatchJob, work)


def apply(job: BatchJob, before: Callable[[Path], None] = lambda _: None) -> int:
    """Answer every line of the input, and return the exit code; `before` has the directory first.

    Raises ConfigError before anything is sent; later Stopped, StorageError.
    """
    from runner.pipeline.event_loop import run
    from runner.pipeline.progress import progress
    from runner.production import batch, deployment

    if job.estimate:
        return _estimate(job)
    deployment.check_production(job)
    run(inputs.check_prompt(job.task, job.input, job.limit))
    if fixed := variableless(job.task):
        say(fixed)
    with closing(source(job.input)) as given, claim(job, given) as directory:
        before(directory)
        total = given.count() if sys.stderr.isatty() else None
        with closing(Output(job.output_file)) as output, progress() as bar:
            form = _text if given.file is None and job.output_file is None else _line
            totals = run(
                batch.run(
                    job,
                    given,
                    directory,
                    write=lambda answers: output.write([form(each) for each in answers]),
                    advance=bar(job.label, total),
                )
            )
            output.finish()
        result = _result(job, totals).model_copy(update={"stamp": Run(directory).stamp})
        write_json(directory / RESULT, result.model_dump(mode="json"))
    why = "; each failure says why in the output" if totals.failed else ""
    closing_line = (
        f"{totals.answered:,} answered, {totals.failed:,} failed{why}; "
        f"{show(totals.cost_usd, 'usd')}; record: {shown(directory)}"
    )
    return explain(RunnerError(closing_line), INCOMPLETE_EXIT if totals.failed else 0)


def _estimate(job: BatchJob) -> int:
    """Print what the input would cost; nothing is sent."""
    from runner.decide.costs.estimate import totals
    from runner.pipeline.event_loop import run
    from runner.report import console
    from runner.report.estimate import terminal

    plan.check_job(job, date.today())

    async def queries(given: Source) -> AsyncIterator[Query]:
        number = 0
        await inputs.check_prompt(job.task, job.input, job.limit)
        async for line in given.lines():
            if number == job.limit:
                return
            number += 1
            with suppress(InvalidInput):  # such a line is never sent
                case = inputs.parse(line, number, given)
                yield query(job.task, case, inputs.render(job.task, case), job.seed)

    with closing(source(job.input)) as given:
        console.show(terminal([run(totals(job, queries(given)))], job.budget_usd))
    return 0


def _line(answer: Answer) -> bytes:
    return redact(answer.model_dump_json()).encode() + b"\n"


def _text(answer: Answer) -> bytes:
    """For somebody who has asked one thing on a terminal."""
    if answer.output is None:
        say(f"{answer.kind}: {answer.error or ''}")
        return b""
    calls = [f"{call.name}({call.arguments})" for call in answer.tool_calls]
    said = [answer.output] if answer.output or not calls else []
    return redact("\n".join([*said, *calls])).encode() + b"\n"


def _result(job: BatchJob, totals: Totals) -> Result:
    lines = totals.answered + totals.failed
    return Result(
        task=job.task.name,
        model=job.model.name,
        id=job.model.id,
        complete=True,
        counts=Counts(
            cases=lines,
            outcomes=lines,
            answered=totals.answered,
            failed=totals.failed,
            replayed=0,
        ),
        spent_usd=totals.cost_usd,
    )
