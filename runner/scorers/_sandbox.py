"""Runs an answer and its tests, shut in as far as the kernel allows: `python -I _sandbox.py`.

A JSON order comes in on stdin; lines of JSON go out on stdout: which limits hold, then the verdict
with the order's token. Nothing of the package is imported here.

There are three processes. This one enters new namespaces, which hold for its children. The first
child is process 1 of the new process namespace: it can't be killed from inside, and everything
inside ends with it. Its child runs the answer. What is missing on a system is reported as not held.
"""

import builtins
import ctypes
import json
import math
import os
import resource
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

USER, PROCESSES, NETWORK, MOUNTS, IPC = 0x10000000, 0x20000000, 0x40000000, 0x20000, 0x8000000
_REC_PRIVATE, _NOSUID_NODEV = 0x44000, 6
_MOUNT_SETATTR, _HERE, _RECURSIVE, _READ_ONLY = 442, -100, 0x8000, 1
_PARENT_DEATH, _DUMPABLE, _KEEP_CAPABILITIES, _NO_NEW_PRIVILEGES = 1, 4, 8, 38
_CAPABILITIES_V3, _READ_AND_WRITE_ALL, _READ_ALL = 0x20080522, 1 << 1, 1 << 2
_STRANGERS = 61184, 4336  # first and number of the user ids that systemd, too, hands out at will
_MB = 1 << 20

_libc = ctypes.CDLL(None, use_errno=True)
_linux = sys.platform == "linux"


def main() -> None:
    order = json.load(sys.stdin)
    stranger = _STRANGERS[0] + os.getpid() % _STRANGERS[1]
    namespaces = _enter_namespaces(stranger) if _linux else 0
    if first := os.fork():
        _die_with_parent()
        os.waitpid(first, 0)
        return
    _die_with_parent()
    private_files = bool(namespaces & MOUNTS) and _make_files_private()
    if (worker := os.fork()) == 0:
        try:
            _work(order, namespaces, private_files, stranger)
        finally:
            os._exit(1)  # an error of ours is on stderr by now
    while (ended := os.wait())[0] != worker:
        pass
    _tell(1, {"token": order["token"], "problem": _describe(ended[1])})


def _work(order: dict[str, Any], namespaces: int, private_files: bool, stranger: int) -> None:
    if namespaces & PROCESSES:
        os.setsid()
    new_user = os.getuid() == 0 and _become(stranger, whatever_is_readable=True)
    if _linux and not new_user:
        _keep_capability(0)
    limits = _set_limits(order, fresh_count=new_user or bool(namespaces & USER))
    limits["network"] = bool(namespaces & NETWORK)
    limits["filesystem"] = private_files
    limits["descendants"] = bool(namespaces & PROCESSES)
    if _linux:
        _libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    report = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    _tell(report, {"limits": limits})
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    problem = _judge(order["code"], order["tests"])
    _tell(report, {"token": order["token"], "problem": problem})
    os._exit(0)


def _judge(code: str, tests: str) -> str | None:
    """What went wrong; None: the tests ran to their end."""
    shared: dict[str, Any] = {}
    for name, source in (("answer", code), ("tests", tests)):
        module = ModuleType(name)  # a real one: dataclasses and pickle look it up
        sys.modules[name] = module
        module.__dict__.update(shared)
        try:
            exec(compile(source, f"<{name}>", "exec", dont_inherit=True), module.__dict__)
        except BaseException as error:  # SystemExit too: the tests have not run to their end
            return _explain(error, {"<answer>": code, "<tests>": tests}, name)
        own = set(dir(builtins)) | {"__builtins__"}  # a helper `sum` of the answer's is not ours
        shared = {key: value for key, value in module.__dict__.items() if key not in own}
    return None


def _explain(error: BaseException, sources: dict[str, str], running: str) -> str:
    message = str(error)
    frames = traceback.extract_tb(error.__traceback__)
    places = [(frame.filename, frame.lineno) for frame in frames if frame.filename in sources]
    if isinstance(error, SyntaxError) and error.filename in sources:
        message = error.msg
        places.append((error.filename, error.lineno))
    message = " ".join(message.split())[:200]
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    if not places:
        return f"{what} in {running}"
    file, number = places[-1]
    line = "".join(sources[file].splitlines()[(number or 1) - 1 :][:1]).strip()[:200]
    return f"{what} in {file.strip('<>')}, line {number}: {line}"


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code} before the tests were through"


def _tell(report: int, line: dict[str, Any]) -> None:
    os.write(report, json.dumps(line).encode() + b"\n")


def _enter_namespaces(stranger: int) -> int:
    """The most that is allowed. Root needs no user namespace for it, unless in a container."""
    most = PROCESSES | NETWORK | MOUNTS | IPC
    if _libc.unshare(most) == 0:
        return most
    if os.getuid() == 0 and _become(stranger, whatever_is_readable=False):
        _libc.prctl(_DUMPABLE, 1, 0, 0, 0)  # our own files in /proc belong to us again
    user, group = os.getuid(), os.getgid()
    for flags in (most | USER, NETWORK | USER):
        if _libc.unshare(flags) == 0:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
            return flags
    return 0


def _make_files_private() -> bool:
    """All that exists becomes read-only, and the working directory a small disk in memory."""
    if _libc.mount(None, b"/", None, _REC_PRIVATE, None) != 0:
        return False  # what is mounted now would show outside
    # Hides the processes outside; containers forbid it and hide them on their own.
    _libc.mount(b"proc", b"/proc", b"proc", _NOSUID_NODEV, None)
    # By relative names: whoever we are by now may not be able to look into all of the way here.
    if not os.access("..", os.X_OK) or not _mount_disk(b"."):
        return False
    os.chdir(Path("..", Path.cwd().name))  # from the directory below the new disk onto it
    if not _set_mount(b"/", _RECURSIVE, add=_READ_ONLY):
        return False  # Linux before 5.12
    # Python's locks between processes live here; without a directory there is nothing to mount on.
    _mount_disk(b"/dev/shm")
    return _set_mount(b".", 0, remove=_READ_ONLY)


def _mount_disk(where: bytes) -> bool:
    return bool(_libc.mount(b"tmpfs", where, b"tmpfs", _NOSUID_NODEV, b"size=64m,mode=777") == 0)


def _set_mount(where: bytes, flags: int, *, add: int = 0, remove: int = 0) -> bool:
    attributes = (ctypes.c_uint64 * 4)(add, remove)
    size = ctypes.c_size_t(ctypes.sizeof(attributes))
    return bool(_libc.syscall(_MOUNT_SETATTR, _HERE, where, flags, attributes, size) == 0)


def _become(stranger: int, *, whatever_is_readable: bool) -> bool:
    """Stop being root, who is exempt from the limit on processes; a new user has a count alone.

    Python may be in root's home. Then the new user goes on reading as root does, if it may.
    """
    needed = [os.__file__, *(entry for entry in sys.path if Path(entry).exists())]
    try:
        os.chown(".", stranger, stranger)
        os.seteuid(stranger)
    except OSError:  # in a user namespace no other id exists
        return False
    readable = all(os.access(path, os.R_OK, effective_ids=True) for path in needed)
    os.seteuid(0)
    if not readable and not (whatever_is_readable and _linux):
        return False
    if not readable:
        _libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(stranger, stranger, stranger)
    os.setresuid(stranger, stranger, stranger)
    if not readable:
        _keep_capability(_READ_ALL) or _keep_capability(_READ_AND_WRITE_ALL)
    return True


def _keep_capability(only: int) -> bool:
    sets = (ctypes.c_uint32 * 6)(only, only)  # effective and permitted; none to inherit
    return bool(_libc.capset((ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0), sets) == 0)


def _set_limits(order: dict[str, Any], *, fresh_count: bool) -> dict[str, bool]:
    seconds = math.ceil(order["seconds"]) + 1
    others = 0 if fresh_count else _tasks_of_user()
    _limit(resource.RLIMIT_CORE, 0)
    return {
        "cpu": _limit(resource.RLIMIT_CPU, seconds),
        # macOS takes the limit and ignores it.
        "memory": _limit(resource.RLIMIT_AS, order["memory_mb"] * _MB) and _linux,
        "file_size": _limit(resource.RLIMIT_FSIZE, 16 * _MB),
        "open_files": _limit(resource.RLIMIT_NOFILE, 64),
        "processes": _limit(resource.RLIMIT_NPROC, others + 16) and os.getuid() != 0,
    }


def _limit(kind: int, value: int) -> bool:
    _, hard = resource.getrlimit(kind)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (allowed, allowed))
    except (ValueError, OSError):
        return False
    return True


def _tasks_of_user() -> int:
    """What already counts towards the limit on processes; 0 where there is no /proc."""
    count = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if process.stat().st_uid == os.getuid():
                count += len(list((process / "task").iterdir()))
    return count


def _die_with_parent() -> None:
    if _linux:
        _libc.prctl(_PARENT_DEATH, signal.SIGKILL, 0, 0, 0)


if __name__ == "__main__":
    main()
