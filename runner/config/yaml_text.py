"""YAML that somebody else wrote: what is wrong with it has a line, and what it grows to a bound."""

from pathlib import Path
from typing import Any

import yaml

from runner.errors import ConfigError

DEEPEST = 64  # values within values; nobody reads more
_MOST = 20_000  # values, once every alias stands for what it means: ours have some hundreds


class _Bounded(yaml.SafeLoader):
    """Never far below the surface: PyYAML takes minutes for thousands of open brackets."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803 (PyYAML's name)
        if self.flow_level > DEEPEST:
            raise _too_deep(self.get_mark())
        super().fetch_flow_collection_start(TokenClass)


def malformed(error: yaml.YAMLError, file: Path | None = None) -> str:
    """What is no YAML, and the file and line of it."""
    mark = getattr(error, "problem_mark", None)
    name: object = file or (mark.name if mark else "conf")
    where = f"{name}:{mark.line + 1}" if mark else name
    said: object = error
    for part in ("reason", "context", "problem"):
        said = getattr(error, part, None) or said
    told = " ".join(str(said).split())
    return f"{where}: is not YAML: {told}" + ("; indent with spaces" if "'\\t'" in told else "")


def bounded(raw: bytes, file: Path) -> None:
    """Raises ConfigError for what would never end: nested without end, or aliases of aliases."""
    risky = (b"&" in raw and b"*" in raw) or raw.count(b"[") + raw.count(b"{") > DEEPEST
    if not risky:  # whoever asks reads the file once more
        return
    try:
        _size(yaml.compose(raw.decode(), Loader=_Bounded), {}, file)
    except UnicodeDecodeError:
        return  # whoever asks says so
    except yaml.YAMLError as error:
        raise ConfigError(malformed(error, file)) from None
    except RecursionError:
        raise ConfigError(f"{file}: is nested too deeply") from None


def load(path: Path) -> Any:
    """A file as plain data. Raises ConfigError."""
    try:
        raw = path.read_bytes()
        raw.decode("utf-8")
        bounded(raw, path)
        return yaml.safe_load(raw)
    except yaml.YAMLError as error:
        raise ConfigError(malformed(error, path)) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8; save it as UTF-8") from None
    except RecursionError:
        raise ConfigError(f"{path}: is nested too deeply") from None
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except (ValueError, OverflowError) as error:  # no such day, a number of 5,000 digits
        raise ConfigError(f"{path}: can't be read: {str(error)[:200]}") from None


def _size(node: Any, sizes: dict[int, int | None], file: Path) -> int:
    """How many values a node stands for; an anchor is counted wherever it is meant."""
    if node is None:
        return 0
    if id(node) in sizes:
        known = sizes[id(node)]
        if known is None:
            raise ConfigError(f"{file}: an alias in it leads back to itself")
        return known
    sizes[id(node)] = None  # not known yet: who asks now stands inside it
    below = [] if isinstance(node, yaml.ScalarNode) else node.value
    if isinstance(node, yaml.MappingNode):
        below = [each for pair in node.value for each in pair]
    size = 1 + sum(_size(each, sizes, file) for each in below)
    if size > _MOST:
        line = node.start_mark.line + 1
        raise ConfigError(f"{file}:{line}: its aliases stand for over {_MOST:,} values")
    sizes[id(node)] = size
    return size


def _too_deep(mark: Any) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=f"over {DEEPEST} brackets are open", problem_mark=mark)
