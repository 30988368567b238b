"""What a person sees while a large file arrives."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

LOOK_SECONDS = 0.2


@contextmanager
def watching(folder: Path, label: str, expected_bytes: int | None) -> Iterator[None]:
    """Show on stderr how much has arrived in `folder`: a bar on a terminal, one line elsewhere.

    The folder is watched because neither pip nor the hub's client tells its progress to others.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        size = f"{expected_bytes / 1e6:.0f} MB, " if expected_bytes else ""
        say(f"fetching {label} ({size}once)")
        yield
        return
    columns = (
        TextColumn("fetching {task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    finished = threading.Event()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(label, total=expected_bytes)

        def follow() -> None:
            while not finished.wait(LOOK_SECONDS):
                arrived = _bytes_in(folder)
                bar.update(task, completed=min(arrived, expected_bytes or arrived))

        follower = threading.Thread(target=follow, daemon=True)
        follower.start()
        try:
            yield
            bar.update(task, completed=expected_bytes or _bytes_in(folder))
        finally:
            finished.set()
            follower.join()


def say(line: str) -> None:
    """One line on stderr."""
    print(line, file=sys.stderr, flush=True)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # a temporary file of the downloader: gone between two looks
            continue
    return total
