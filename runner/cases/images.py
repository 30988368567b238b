"""Images of cases: checked when the cases are read, sent as data URLs, recorded by their hash."""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.errors import CallFailed
from runner.record.outcomes import Message

LIMIT_MB = 20


class NoImage(ValueError):
    """Why a file can't be sent as an image."""


def media_type(head: bytes) -> str | None:
    """By the first 12 bytes; None for what providers do not take."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def find(name: str, folder: Path) -> str:
    """The path of an image that a case in `folder` names: beside the cases, or as given.

    It is relative to the working directory where it lies below it, so that a run does not depend on
    where the project was cloned. Raises NoImage.
    """
    path = next((path for path in (folder / name, Path(name)) if path.is_file()), None)
    if path is None:
        raise NoImage(f"no file '{name}' in {folder}")
    size_mb = path.stat().st_size / 1e6
    if size_mb > LIMIT_MB:
        raise NoImage(f"{path} has {size_mb:.0f} MB; providers take {LIMIT_MB} at the most")
    with path.open("rb") as file:
        if media_type(file.read(12)) is None:
            raise NoImage(f"{path} is no PNG, JPEG, WebP or GIF")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@lru_cache(maxsize=1024)
def sha256(path: str) -> str:
    """Raises NoImage."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise NoImage(f"{path}: {error.strerror}") from None


def part(path: str) -> dict[str, str]:
    """The image as a part of a message's content. Raises NoImage."""
    return {"type": "image", "path": path, "sha256": sha256(path)}


def load(messages: list[Message]) -> tuple[list[Message], dict[str, str]]:
    """Messages with the images' bytes in them, and the hash of each by its base64.

    Raises CallFailed when an image is not what it was when the case was read.
    """
    hashes: dict[str, str] = {}

    def loaded(content: Any) -> Any:
        if isinstance(content, str):
            return content
        return [_data_url(part, hashes) if part["type"] == "image" else part for part in content]

    return [message | {"content": loaded(message["content"])} for message in messages], hashes


def _data_url(part: dict[str, str], hashes: dict[str, str]) -> dict[str, Any]:
    try:
        data = Path(part["path"]).read_bytes()
    except OSError as error:
        raise CallFailed("unsent", f"{part['path']}: {error.strerror}", unbilled=True) from None
    if hashlib.sha256(data).hexdigest() != part["sha256"]:
        raise CallFailed("unsent", f"{part['path']} changed while the run was on", unbilled=True)
    encoded = base64.b64encode(data).decode()
    hashes[encoded] = part["sha256"]
    url = f"data:{media_type(data[:12])};base64,{encoded}"
    return {"type": "image_url", "image_url": {"url": url}}


def without_bytes(value: Any, hashes: dict[str, str]) -> Any:
    """A request's body with each image's base64, wherever a provider has it, as `sha256:…`."""
    if isinstance(value, dict):
        return {key: without_bytes(inner, hashes) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_bytes(inner, hashes) for inner in value]
    if isinstance(value, str):
        for encoded, digest in hashes.items():
            if encoded in value:
                return f"sha256:{digest}"
    return value
