"""Images and PDF files of cases: checked when the cases are read, sent as data URLs.

On record are their hashes, and a path only where it says nothing of the machine.
"""

import base64
import hashlib
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from runner.errors import CallFailed
from runner.record.outcomes import Message

Kind = Literal["image", "file"]
LIMIT_MB = 20
_KINDS = {"image": "PNG, JPEG, WebP or GIF", "file": "PDF"}
# For estimates alone; no bound rests on them. Anthropic counts about 7,000 tokens for a PDF of 3
# pages, each of which is read as text and seen (docs.claude.com/en/docs/build-with-claude/
# pdf-support, on 2026-11-28), and up to about 1,600 for an image (…/vision); others count fewer.
IMAGE_TOKENS = 1_600
PAGE_TOKENS = 2_400

_PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")
_STREAM = re.compile(rb"/ObjStm.{0,400}?stream\r?\n", re.DOTALL)
_UNPACKED = 50_000_000  # bytes of a file's index that are looked at


class Unusable(ValueError):
    """Why a file can't be sent."""


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
    return "application/pdf" if head.startswith(b"%PDF-") else None


def find(name: str, folder: Path, kind: Kind = "image") -> str:
    """The path of a file that a case in `folder` names: beside the cases, or as given.

    It is relative to the working directory where it lies below it, so that a run does not depend on
    where the project was cloned. Raises Unusable.
    """
    try:
        path = next((path for path in (folder / name, Path(name)) if path.is_file()), None)
    except (OSError, ValueError):  # too long for a name, or with a null in it
        path = None
    if path is None:
        raise Unusable(f"no file '{name[:200]}' in {folder}")
    size_mb = path.stat().st_size / 1e6
    if size_mb > LIMIT_MB:
        raise Unusable(f"{path} has {size_mb:.0f} MB; providers take {LIMIT_MB} at the most")
    with path.open("rb") as file:
        found = media_type(file.read(12))
    if found is None or found.startswith("image/") != (kind == "image"):
        raise Unusable(f"{path} is no {_KINDS[kind]}")
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@lru_cache(maxsize=1024)
def sha256(path: str) -> str:
    """Raises Unusable."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from None


def part(path: str, kind: Kind = "image") -> dict[str, str]:
    """The file as a part of a message's content. Raises Unusable."""
    return {"type": kind, "path": path, "sha256": sha256(path)}


def of(messages: list[Message]) -> list[dict[str, str]]:
    """The parts of messages that are files."""
    found: list[dict[str, str]] = []
    for message in messages:
        if isinstance(message["content"], list):
            found += (part for part in message["content"] if part["type"] != "text")
    return found


def tokens(messages: list[Message]) -> int:
    """Of their images and files, about."""
    return sum(
        IMAGE_TOKENS if part["type"] == "image" else pages(part["path"]) * PAGE_TOKENS
        for part in of(messages)
    )


@lru_cache(maxsize=1024)
def pages(path: str) -> int:
    """Of a PDF; 1 where they can't be counted."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        return 1
    count = len(_PAGE.findall(data))
    for stream in _STREAM.finditer(data):  # where the index is packed
        try:
            unpacked = zlib.decompressobj().decompress(data[stream.end() :], _UNPACKED)
        except zlib.error:
            continue
        count += len(_PAGE.findall(unpacked))
    return max(1, count)


def shown(path: str) -> str:
    """A path as others may see it: of one that leads through the machine, the name."""
    return Path(path).name if Path(path).is_absolute() or ".." in Path(path).parts else path


def recorded(messages: list[Message]) -> list[Message]:
    """Messages as they stand on record."""
    if not any(isinstance(message["content"], list) for message in messages):
        return messages
    return [
        message
        if isinstance(message["content"], str)
        else message
        | {
            "content": [
                part if part["type"] == "text" else part | {"path": shown(part["path"])}
                for part in message["content"]
            ]
        }
        for message in messages
    ]


def load(messages: list[Message]) -> tuple[list[Message], dict[str, str]]:
    """Messages as litellm takes them, with the bytes of files in them; the hash of each by its
    base64.

    Raises CallFailed when a file is not what it was when the case was read.
    """
    hashes: dict[str, str] = {}

    def loaded(message: Message) -> Any:
        content = message["content"]
        if content is None or isinstance(content, str):
            # Calls alone: of an empty text litellm makes words of its own for Anthropic.
            return None if not content and message.get("tool_calls") else content
        return [part if part["type"] == "text" else data_url(part, hashes) for part in content]

    return [message | {"content": loaded(message)} for message in messages], hashes


def data_url(part: dict[str, str], hashes: dict[str, str]) -> dict[str, Any]:
    """Raises CallFailed when the file is not what it was."""
    name = shown(part["path"])
    try:
        data = Path(part["path"]).read_bytes()
    except OSError as error:
        raise CallFailed("unsent", f"{name}: {error.strerror}", unbilled=True) from None
    if hashlib.sha256(data).hexdigest() != part["sha256"]:
        raise CallFailed("unsent", f"{name} changed while the run was on", unbilled=True)
    encoded = base64.b64encode(data).decode()
    hashes[encoded] = part["sha256"]
    url = f"data:{media_type(data[:12])};base64,{encoded}"
    if part["type"] == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    return {"type": "file", "file": {"file_data": url, "filename": Path(name).name}}


def without_bytes(value: Any, hashes: dict[str, str]) -> Any:
    """A request's body with each file's base64, wherever a provider has it, as `sha256:…`."""
    if isinstance(value, dict):
        return {key: without_bytes(inner, hashes) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_bytes(inner, hashes) for inner in value]
    if isinstance(value, str):
        for encoded, digest in hashes.items():
            if encoded in value:
                return f"sha256:{digest}"
    return value
