"""Where weights come from: wheels of a package index, or Hugging Face's hub by commit.

The only home of huggingface_hub.
"""

import atexit
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from runner.errors import ConfigError, did_you_mean

CHUNK_BYTES = 1 << 20


def pip_download(wheel: str, folder: Path, *, python: str = sys.executable) -> Path:
    """Let pip fetch one pinned wheel, with the user's own index, proxy and certificates.

    Raises ConfigError with the reason that pip gave.
    """
    # --only-binary: a source package would be built, which runs code that nobody has reviewed.
    flags = ("--no-deps", "--only-binary=:all:", "--dest", str(folder))
    quiet = ("--quiet", "--no-input", "--disable-pip-version-check")
    process = subprocess.Popen(
        [python, "-m", "pip", *quiet, "download", *flags, wheel],
        # pip downloads into TMPDIR first; here its growth can be watched, and /tmp may be small.
        env={**os.environ, "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    atexit.register(process.kill)  # when this thread is abandoned, pip must not stay behind
    try:
        _, output = process.communicate()
    finally:
        process.kill()
        atexit.unregister(process.kill)
    if process.returncode != 0:
        raise ConfigError(f"can't fetch {wheel}: {_reason(output, python)}")
    return next(folder.glob("*.whl"))


def _reason(output: str, python: str) -> str:
    if "No module named pip" in output:
        return f"{python} has no pip; install it there (python -m ensurepip, or uv pip install pip)"
    lines = [line.removeprefix("ERROR: ").strip() for line in output.splitlines() if line.strip()]
    # The last line says what the earlier ones led to, except that warnings may follow it.
    errors = [line for line in lines if not line.startswith("WARNING: ")]
    reason = errors[-1] if errors else "pip gave no reason"
    # Without a network pip ends with "no matching distribution", as if the package did not exist.
    unreachable = any("connection broken" in line for line in lines)
    return f"the package index can't be reached ({reason})" if unreachable else reason


def read_member(wheel: Path, member: str) -> Iterator[bytes]:
    """The bytes of one file in a wheel, chunk by chunk; nothing is unpacked onto the disk.

    Raises ConfigError when the wheel is damaged or has no such file.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            if member not in names:
                hint = did_you_mean(member, (name for name in names if ".dist-info/" not in name))
                raise ConfigError(f"{wheel.name} has no file {member!r}{hint}")
            with archive.open(member) as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
    except zipfile.BadZipFile as error:
        raise ConfigError(f"{wheel.name} is damaged: {error}") from error


def hub_download(repo: str, revision: str, file: str, folder: Path) -> Path:
    """Fetch one file at one commit; `HF_ENDPOINT` and `HF_TOKEN` work as they always do.

    Raises ConfigError when the hub says no or can't be reached.
    """
    # Imported here: this takes a quarter of a second, and most runs have nothing to download.
    import httpx
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    endpoint = os.environ.get("HF_ENDPOINT")
    try:
        path = hf_hub_download(
            repo, file, revision=revision, local_dir=folder, endpoint=endpoint or None
        )
    except (OSError, httpx.HTTPError, HFValidationError) as error:
        address = f"{repo}/{file} at {revision[:12]}"
        raise ConfigError(f"can't fetch {address} from the hub: {_first_line(error)}") from error
    return Path(path)


def _first_line(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
