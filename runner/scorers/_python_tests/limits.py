"""What a process may use, set by itself before anything else runs in it.

Runs in both processes. Nothing of the package is imported here, nor what is slow to import.
"""

from __future__ import annotations

import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_PROCESSES = 16
_MB = 1 << 20


def limit_this_process(order: dict[str, Any]) -> dict[str, bool]:
    """Which of them the system takes."""
    if order["stranger"]:
        os.setgroups([])
        os.setresgid(*[order["stranger"]] * 3)
        os.setresuid(*[order["stranger"]] * 3)
    others = 0 if order["counts_alone"] else _tasks_of_user()
    _limit(resource.RLIMIT_CORE, 0)
    linux = sys.platform == "linux"  # macOS takes the limit on memory and ignores it
    return {
        "cpu": _limit(resource.RLIMIT_CPU, int(order["seconds"]) + 2),
        "memory": _limit(resource.RLIMIT_AS, order["memory_mb"] * _MB) and linux,
        "file_size": _limit(resource.RLIMIT_FSIZE, 16 * _MB),
        "open_files": _limit(resource.RLIMIT_NOFILE, 64),
        "processes": _limit(resource.RLIMIT_NPROC, others + MOST_PROCESSES) and os.getuid() != 0,
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
    for process in os.listdir("/proc") if os.path.isdir("/proc/self") else ():
        try:
            if process.isdecimal() and os.stat(f"/proc/{process}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{process}/task"))
        except OSError:  # it ended meanwhile
            continue
    return count
