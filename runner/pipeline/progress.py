"""Progress bars on a terminal; nothing anywhere else."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars


class Progress:
    """`with Progress() as progress: advance = progress.bar("extraction-local", 30); advance()`."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        if not self._bars.disable:  # it would print an empty line even so
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._bars.disable:
            self._bars.stop()

    def bar(self, label: str, total: int | None) -> Callable[[], None]:
        """`total` is None where nobody knows yet."""
        task = self._bars.add_task(label, total=total)
        return lambda: self._bars.advance(task)
