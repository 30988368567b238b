"""What shuts a process in: bubblewrap where it works, else what a process can do to itself.

It is tried once. What is not held is said in words that go on record with every score.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runner.scorers._python_tests.limits import MOST_PROCESSES

_DISKS_MB = {"/tmp": 48, "/dev/shm": 16}
_TRIAL_SECONDS = 20
# Without the packages of this installation: the shipped cases, with what they expect, are in one.
PYTHON = (
    str(Path(getattr(sys, "_base_executable", sys.executable)).resolve()),
    "-s",
    "-P",
    "-S",
    "-B",
)
# One order for sets in all processes; a judgement is the same each time.
ENVIRONMENT = {"PYTHONHASHSEED": "0"}
_STRANGERS = 61184, 4336  # first and number of the user ids that systemd, too, hands out at will
_BECOME = "import os; os.setgroups([]); os.setresgid({0},{0},{0}); os.setresuid({0},{0},{0})"
WATCHES_PER_SECOND = 20
_USE = "import datetime, tempfile; tempfile.TemporaryFile()"


@dataclass(frozen=True)
class Sandbox:
    command: tuple[str, ...]  # before that of Python; () without bubblewrap
    stranger: int  # the user id that root gives itself up for; 0: none
    lacking: str  # why there is no bubblewrap

    @property
    def counts_alone(self) -> bool:
        """Whether the limit on processes counts those inside alone."""
        return bool(self.command) or self.stranger > 0


@cache
def found() -> Sandbox:
    """Takes a moment the first time: a system can have bubblewrap and forbid what it does."""
    stranger = _STRANGERS[0] + os.getpid() % _STRANGERS[1] if os.getuid() == 0 else 0
    path = shutil.which("bwrap") if sys.platform == "linux" else None
    lacking = "bubblewrap is not installed"
    if path:
        for number in (stranger, 0) if stranger else (0,):
            command = _command(path, number)
            trouble = _tried(command, number)
            if trouble is None:
                return Sandbox(command, number, "")
            lacking = f"bubblewrap does not work here ({trouble})"
    return Sandbox((), stranger if _anyone_can_read(Path(os.__file__)) else 0, lacking)


def words(sandbox: Sandbox, held: dict[str, bool], memory_mb: int) -> dict[str, str]:
    """By limit, whether it held and what was left open. `held`: what the process could set."""
    shut, watched = bool(sandbox.command), can_watch()
    readable = "anyone" if sandbox.stranger else "this user"
    endable = "the other answers" if sandbox.stranger else "this user, and read keys in them"
    not_held = f"NOT held, {sandbox.lacking}: "
    said = {
        "files": "held: nothing to read but Python and the system's programs, 64 MB to write"
        if shut
        else f"{not_held}the code could use every file that {readable} may, the cases among them",
        "network": "held: no network, no socket outside"
        if shut
        else f"{not_held}the code could use the network and every socket of this machine",
        "end": "held: all its processes end with the tests"
        if shut
        else f"{not_held}a process that leaves its session lives on",
        "others": "held: no process outside is seen"
        if shut
        else f"{not_held}the code could end other processes of {endable}",
    }
    for name in ("cpu", "file_size", "open_files"):
        said[name] = "held" if held.get(name) else "NOT held"
    each = "held" if held.get("memory") else "NOT held"
    said["memory of a process"] = f"{each}: {memory_mb} MB"
    looked = f"looked at {WATCHES_PER_SECOND} times a second"
    seen = "" if shut else ", but for processes that left their parent"
    together = f"held{seen}: {memory_mb} MB, {looked}" if watched else "NOT held"
    said["memory of all processes"] = together
    if held.get("processes"):
        said["processes"] = f"held: {MOST_PROCESSES} at once"
    else:
        said["processes"] = f"held{seen}: {looked}" if watched else "NOT held"
    return said


def used_by(process: int) -> tuple[int, int]:
    """Memory in bytes and number of a process and all below it; 0 where nobody can know.

    Memory is what is resident, shared pages counted in each process.
    """
    below, memory = [process], 0
    for each in below:  # grows while it is walked
        below += children(each)
        with suppress(OSError, IndexError):  # it ended meanwhile
            pages = Path(f"/proc/{each}/statm").read_text().split()[1]
            memory += int(pages) * os.sysconf("SC_PAGE_SIZE")
    return memory, len(below)


def children(process: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):  # it ended meanwhile
        for task in Path(f"/proc/{process}/task").iterdir():
            found += [int(each) for each in (task / "children").read_text().split()]
    return found


def can_watch() -> bool:
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _command(bwrap: str, stranger: int) -> tuple[str, ...]:
    """Python, the system's programs and libraries, read-only; a small disk; nothing else."""
    apart = ["--unshare-all"]
    if stranger:  # root needs no user namespace, in which it could not become another user
        apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
        apart += ["--unshare-cgroup-try", "--cap-drop", "ALL"]
        apart += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    folders = [Path("/usr", part) for part in ("bin", "lib", "lib64", "share/zoneinfo")]
    folders += [Path(sys.base_prefix, part) for part in ("lib", "lib64")]
    shown = [*folders, Path(PYTHON[0]), Path("/etc/ld.so.cache"), Path("/nix/store")]
    mounts: list[str] = []
    for parent in sorted({parent for path in shown for parent in path.parents[:-1]}):
        mounts += ["--perms", "0755", "--dir", str(parent)]  # a home is else closed to a stranger
    for path in shown:
        mounts += ["--ro-bind-try", str(path), str(path)]
    for name in ("/bin", "/lib", "/lib64"):
        link = str(Path(name).readlink()) if Path(name).is_symlink() else ""
        mounts += ["--symlink", link, name] if link else ["--ro-bind-try", name, name]
    for packages in _packages():
        mounts += ["--tmpfs", packages, "--remount-ro", packages]
    mounts += ["--proc", "/proc", "--dev", "/dev"]
    for disk, megabytes in _DISKS_MB.items():
        mounts += ["--perms", "1777", "--size", str(megabytes << 20), "--tmpfs", disk]
    # What bubblewrap made to hold all this are disks in memory too, and without a limit.
    mounts += ["--remount-ro", "/dev", "--remount-ro", "/"]
    return (bwrap, *apart, "--die-with-parent", "--new-session", *mounts, "--chdir", "/tmp")


def _packages() -> list[str]:
    """Folders of installed packages in what is shown; they hide under empty ones."""
    places = [Path(os.__file__).parent, Path("/usr/lib/python3"), Path("/usr/local/lib")]
    found = {
        str(path)
        for place in places
        for pattern in ("site-packages", "dist-packages", "python*/*-packages")
        for path in place.glob(pattern)
        if place != Path("/usr/local/lib") or sys.base_prefix == "/usr/local"
    }
    return sorted(found)


def _tried(command: tuple[str, ...], stranger: int) -> str | None:
    """What is wrong with it, in a few words."""
    program = f"{_BECOME.format(stranger)}; {_USE}" if stranger else _USE
    try:
        subprocess.run(
            [*command, *PYTHON, "-c", program],
            env=ENVIRONMENT,
            check=True,
            capture_output=True,
            text=True,
            timeout=_TRIAL_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        return last[0][:200] if last else f"exit code {error.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    return None


def _anyone_can_read(path: Path) -> bool:
    return all(each.stat().st_mode & 0o005 == 0o005 for each in path.resolve().parents)
