"""Prompts of promptfoo: in a config, in files, as messages; each as a prompt and a system text."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from runner.decide.bring.brought import Prompt
from runner.decide.bring.sources import Part
from runner.decide.bring.wanted import as_ours, named

_CODE = {".py", ".js", ".mjs", ".cjs", ".ts", ".cts", ".mts", ".rb", ".go", ".sh"}
_TEXT = {".txt", ".md", ".j2", ".json", ".yaml", ".yml", ".csv"}
_READ = {"role", "content", "parts", "tool_calls", "finish_reason", "type", "from", "value"}
FOLDED = "several turns are written into one message"
OUTSIDE = "lies outside of the folder of the config and of where you are"


def read(part: Part, home: Path) -> Iterator[Prompt]:
    """The prompts of one entry; what can't be one is left, and said why."""
    if isinstance(part.value, dict) and isinstance(
        part.value.get("raw") or part.value.get("id"), str
    ):
        label = part.text("label") or part.text("display")
        inner = part.get("raw") or part.get("id")
        if part.value.get("raw") and (name := part.get("id")):
            name.leave("a prompt is called by its label")
    elif isinstance(part.value, list):
        yield from _of_messages(part, part.value, "")
        return
    else:
        label, inner = "", part
    if inner is None or not isinstance(inner.value, str):
        part.leave("is no prompt: a text, a file or messages are")
        return
    yield from _of_text(inner, label, home)


def _of_text(part: Part, label: str, home: Path) -> Iterator[Prompt]:
    name = part.value.removeprefix("file://").partition(":")[0]
    is_file = part.value.startswith("file://") or (
        "\n" not in name and "{{" not in name and Path(name).suffix in _TEXT | _CODE
    )
    if not is_file:
        yield from _parsed(part, part.value, label)
        return
    if Path(name).suffix in _CODE or part.value.startswith("exec:"):
        part.leave("is code that makes a prompt: write what it makes", "to write")
        return
    try:
        files = matching(name, home)
    except ValueError as error:
        part.leave(str(error))
        return
    for file in files:
        text = file.read_text(encoding="utf-8-sig")
        if file.suffix == ".csv":
            part.leave("prompts in a table are not read: write them as texts")
            return
        texts = text.split("\n---\n") if file.suffix in (".txt", ".md", ".j2") else [text]
        texts = [each.strip("\n") for each in texts if each.strip()]
        for number, each in enumerate(texts, 1):
            stem = label or file.stem
            yield from _parsed(part, each, f"{stem}_{number}" if len(texts) > 1 else stem)


def matching(name: str, home: Path) -> list[Path]:
    """The files that a name, perhaps with stars, means. Raises ValueError saying why none."""
    stars = "*" in name and not Path(name).is_absolute()
    found = sorted(home.glob(name)) if stars else [home / name]
    files = [each for each in found if each.is_file()]
    if not files:
        raise ValueError(f"no file '{name}'")
    roots = [home.resolve(), Path.cwd()]
    if not all(any(each.resolve().is_relative_to(r) for r in roots) for each in files):
        raise ValueError(f"'{name}' {OUTSIDE}")
    return files


def _parsed(part: Part, text: str, label: str) -> Iterator[Prompt]:
    messages = _messages(text)
    if messages is not None:
        yield from _of_messages(part, messages, label)
        return
    if text.lstrip().startswith(("[", "- role:")):
        part.leave("is JSON or YAML only once it is filled: it is sent as a text", "changed")
    yield from _usable(part, Prompt(label, text))


def _messages(text: str) -> list[Any] | None:
    if not text.lstrip().startswith(("[", "- role:")):
        return None
    try:
        found = json.loads(text) if text.lstrip()[0] == "[" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):
        return None
    is_chat = (
        isinstance(found, list)
        and found
        and all(isinstance(each, dict) and "role" in each for each in found)
    )
    return found if is_chat else None


def _of_messages(part: Part, messages: list[Any], label: str) -> Iterator[Prompt]:
    try:
        system, prompt, folded = conversation(messages)
    except ValueError as error:
        part.leave(str(error))
        return
    if folded == FOLDED and (chat := as_chat(messages)):
        yield from _usable(part, Prompt(label, chat))
        return
    if folded:
        part.leave(folded, "changed")
    if "{{" in system or "{%" in system:  # which is filled as a message alone
        first = {"role": "system", "content": system}
        found = Prompt(label, [first, {"role": "user", "content": prompt}])
        yield from _usable(part, found)
        return
    yield from _usable(part, Prompt(label, prompt, system))


def as_chat(messages: list[Any]) -> list[dict[str, str]]:
    """As a task's prompt has messages, the user's last; empty where it can't."""
    system: list[tuple[str, str]] = []
    chat: list[tuple[str, str]] = []
    for each in messages:
        role = "system" if each["role"] == "developer" else each["role"]
        (chat if chat or role != "system" else system).append((role, content_of(each)[0]))
    if any(role not in ("user", "assistant") or not text for role, text in chat):
        return []
    if not chat or chat[-1][0] != "user":
        return []
    texts = "\n\n".join(text for _, text in system)
    found = [("system", texts), *chat] if texts else chat
    return [{"role": role, "content": text} for role, text in found]


def conversation(messages: list[Any]) -> tuple[str, str, str]:
    """System text, the user's text, and what had to change for that. Raises ValueError."""
    system: list[str] = []
    turns: list[tuple[str, str]] = []
    changed = ""
    for each in messages if isinstance(messages, list) else ():
        role = each.get("role") if isinstance(each, dict) else None
        role = role if isinstance(role, str) else ""
        content, lost = content_of(each) if role else ("", "")
        if more := sorted(set(each) - _READ if role else ()):
            lost = lost or f"of a message, {', '.join(more)} is left out"
        changed = changed or lost
        if role in ("system", "developer") and not turns:
            system.append(content)
        elif role:
            turns.append((role, content))
    if not turns:
        raise ValueError("has no message of a user")
    if len(turns) == 1 and turns[0][0] == "user":
        return "\n\n".join(system), turns[0][1], changed
    names = {"user": "User", "human": "User", "assistant": "Assistant", "tool": "Tool"}
    told = [f"{names.get(role, role.title())}: {content}" for role, content in turns]
    changed = f"{changed}; {FOLDED}" if changed else FOLDED
    return "\n\n".join(system), "\n\n".join(told), changed


def content_of(message: Any) -> tuple[str, str]:
    """The text of a message, and what of it is lost."""
    content = message.get("content", message.get("parts"))
    lost = "its calls of tools are written as a text" if message.get("tool_calls") else ""
    if content is None and message.get("tool_calls"):
        return json.dumps(message["tool_calls"], ensure_ascii=False), lost
    if isinstance(content, str):
        return content, lost
    texts = []
    for each in content if isinstance(content, list) else [content]:
        text = each if isinstance(each, str) else None
        if isinstance(each, dict):
            text = each.get("text", each.get("content"))
        if isinstance(text, str):
            texts.append(text)
        elif each is not None:
            kind = each.get("type") if isinstance(each, dict) else type(each).__name__
            if kind in ("tool_call", "tool_call_response", "function"):
                texts.append(json.dumps(each, ensure_ascii=False))
                lost = "its calls of tools are written as a text"
            else:
                lost = f"a part that is no text ({kind}) is left out"
    return "\n".join(texts), lost


def _usable(part: Part, prompt: Prompt) -> Iterator[Prompt]:
    given = prompt.prompt
    ours = (
        as_ours(given)
        if isinstance(given, str)
        else [message | {"content": as_ours(message["content"])} for message in given]
    )
    prompt = Prompt(prompt.label, ours, as_ours(prompt.system))
    for text in prompt.texts:
        variables = named(text)
        if isinstance(variables, str):
            part.leave(variables)
            return
        if away := variables & {"env", "_conversation"}:
            part.leave(f"names {min(away)}, which a case does not have")
            return
    part.take()
    yield prompt
