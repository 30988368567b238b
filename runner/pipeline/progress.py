"""Progress bars on a terminal; nothing anywhere else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress() -> Iterator[Callable[[str, int | None], Callable[[], None]]]:
    """`with progress() as bar: advance = bar("extraction-local", 30); advance()`.

    A bar's total is None where nobody knows yet.
    """
    console = Console(stderr=True)
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

    def bar(label: str, total: int | None) -> Callable[[], None]:
        return partial(bars.advance, bars.add_task(label, total=total))

    if bars.disable:  # started, it would print an empty line even so
        yield bar
        return
    with bars:
        yield bar
