"""A migration as a branch and a pull request: git's plumbing, past the user's index and files."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from runner.config.redact import redact
from runner.errors import RunnerError

_SECONDS = 120
_QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GH_PROMPT_DISABLED": "1"}
_NOBODY = ["-c", "user.name=runner watch", "-c", "user.email=runner-watch@localhost"]


class GitFailed(RunnerError):
    """A step that git, or gh, did not take."""


class Repository:
    """The repository that holds a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def of(cls, folder: Path) -> "Repository | None":
        """None: there is no git, no repository, or nothing committed in it."""
        try:
            root = _run(folder, ["git", "rev-parse", "--show-toplevel"])
            _run(folder, ["git", "rev-parse", "--verify", "HEAD"])
        except GitFailed:
            return None
        return cls(Path(root).resolve())

    @property
    def remote(self) -> str | None:
        names = self._git("remote").split()
        return "origin" if "origin" in names else next(iter(names), None)

    def has(self, branch: str) -> bool:
        """Whether it is there, or was pushed: a checkout of CI has the branch of its commit only.

        Raises GitFailed where a remote does not say.
        """
        if self._git("branch", "--list", "--all", branch, f"*/{branch}"):
            return True
        return bool(self.remote and self._git("ls-remote", "--heads", self.remote, branch))

    def unclean(self, files: Iterable[Path]) -> str | None:
        """Why files can't be changed on top of the last commit: they are others by now."""
        for file in map(self._path, files):
            if file is None:
                return "conf/ and tasks/ are not in one repository"
            if self._git("status", "--porcelain", "--", file):
                return f"{file} has changes that are not committed"
        return None

    def commit(self, branch: str, files: Mapping[Path, str], message: str) -> None:
        """A branch of one commit on the last one. Raises GitFailed."""
        with TemporaryDirectory() as scratch:
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            self._git("read-tree", "HEAD", more=index)
            for file, text in files.items():
                blob = self._git("hash-object", "-w", "--stdin", given=redact(text))
                entry = f"100644,{blob},{self._path(file)}"
                self._git("update-index", "--add", "--cacheinfo", entry, more=index)
            tree = self._git("write-tree", more=index)
        known = _run(self.root, ["git", "config", "--default", "", "user.email"])
        author = [] if known or "GIT_AUTHOR_EMAIL" in os.environ else _NOBODY  # CI names none
        made = self._git(*author, "commit-tree", tree, "-p", "HEAD", "-m", message)
        self._git("update-ref", f"refs/heads/{branch}", made, "")  # it must not be there yet

    def propose(self, branch: str, title: str, text: Path) -> str | None:
        """The address of a pull request. None: there is no remote, or no gh. Raises GitFailed."""
        if self.remote is None or shutil.which("gh") is None:
            return None
        if self._git("branch", "--list", branch):  # else it is there already
            self._git("push", self.remote, f"refs/heads/{branch}:refs/heads/{branch}")
        body = ["--title", title, "--body-file", str(text.absolute())]
        return _run(self.root, ["gh", "pr", "create", "--head", branch, *body])

    def _path(self, file: Path) -> str | None:
        """As git calls it; None: it is elsewhere."""
        path = file.resolve()
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else None

    def _git(
        self, *words: str, given: str | None = None, more: Mapping[str, str] | None = None
    ) -> str:
        return _run(self.root, ["git", *words], given, more)


def _run(
    folder: Path,
    command: Sequence[str],
    given: str | None = None,
    more: Mapping[str, str] | None = None,
) -> str:
    """What it printed. Raises GitFailed with its last line."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=given,
            env={**os.environ, **_QUIET, **(more or {})},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitFailed(f"{command[0]}: {error}") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["failed"]
        raise GitFailed(f"{' '.join(command[:2])}: {redact(said[-1])}")
    return done.stdout.strip()
