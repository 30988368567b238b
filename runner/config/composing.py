"""Why Hydra could not compose: one line in our words, with the key or file that has to change."""

import re
import traceback
from collections.abc import Iterator
from itertools import groupby

import yaml
from hydra.errors import HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config.loading import unknown_key, unresolved
from runner.config.schema import Job
from runner.config.yaml_text import malformed
from runner.errors import ConfigError, did_you_mean

# Why composing fails; the last one is a file that names itself among its defaults.
REASONS = (HydraException, OmegaConfBaseException, yaml.YAMLError, RecursionError)

# What Hydra says, and what we say; {0} is what it is said of.
_SAID = {
    r"Multiple values for ([^\s.]+)": (
        "{0}: is chosen already; write {0}=… without a +, or in a file - override {0}: …"
    ),
    r"Could not delete from config\. '(.+?)' does not exist": "~{0}: there is no such key",
    r"Could not delete from config\. The value of '(.+?)'": "~{0}: has another value",
    r"Could not append to config\. An item is already at '(.+?)'": (
        "+{0}: is there already; write {0}=… without the +"
    ),
    r"Override (\S+?) looks like a config group": "{0}: there is no such group",
    r"Error resolving interpolation '(.+?)'": "defaults: {0} is the choice of no group",
    r"Error merging override (.+)": "{0}: this key takes no such value",
    r"Duplicate _self_ defined in (\S+)": "{0}.yaml: defaults: _self_ stands there twice",
    r"In (\S+): Override '(.+?)'": "{0}.yaml: defaults: overrides come last, {1} among them",
    r"(\S+) appears more than once in the final": "defaults: {0} is chosen twice",
    r"You must specify '(.+?)'": "{0}: has to be chosen: {0}=<option>",
    r"In '(.+?)': \w+ raised while composing config:\s*(.*)": "{0}.yaml: can't be merged: {1}",
    r"Sweeping over Hydra's configuration .*?'(.+?)'": "{0}: can't be swept",
    r"(\S+): Default List Overrides are not allowed": "{0}.yaml: defaults: can't override here",
}


def explained(
    error: Exception, kind: type[BaseModel] = Job, *, sweeps: bool = False
) -> ConfigError:
    """One of REASONS in a line.

    `kind` knows the keys that there are; `sweeps`: -m would make a sweep of several values.
    """
    if isinstance(error, yaml.YAMLError):
        return ConfigError(malformed(error))
    if isinstance(error, RecursionError):
        return ConfigError(_cycle(error))
    if isinstance(error, MissingConfigException):
        return ConfigError(_no_option(error))
    return ConfigError(_explain(error, kind, sweeps))


def _no_option(error: MissingConfigException) -> str:
    missing = str(error.missing_cfg_file or "")
    group, _, option = missing.rpartition("/")
    options = [str(o) for o in error.options or ()]
    asking = re.match(r"In '(.+?)'", str(error))
    file = asking[1] if asking else ""
    if error.options is None:
        where = f"{file}.yaml: defaults: " if file else ""
        return f"{where}there is no file {missing}.yaml in conf/"
    near = did_you_mean(option, options)
    if group == "hydra/launcher":
        near += "; joblib, ray and submitit come with the extras of these names"
    where = f"{file}.yaml: defaults: " if "/" in file and not file.startswith("hydra/") else ""
    return f"{where}{group}={option}: no such option{near}"


def _explain(error: Exception, kind: type[BaseModel], sweeps: bool) -> str:
    text, cause = str(error), error.__cause__ or error
    if match := re.match(r"In '(.+?)': Could not override '(.+?)'", text):
        return f"{match[1]}.yaml: defaults: there is no {match[2]} to override"
    if match := re.search(r"Could not override '([^']+)'", text):
        key = max(getattr(cause, "full_key", None) or "", match[1], key=len)
        return _unknown(key, kind, chosen="No match in the defaults list" in text)
    if match := re.search(r"(?:Ambiguous value for argument|Sweep parameters) '([^']+)'", text):
        how = "several values are a sweep: put -m before it" if sweeps else "one value at a time"
        return f"{match[1]}: {how}; quote what is one text"
    if "nterpolation" in str(cause) and isinstance(cause, OmegaConfBaseException):
        return f"{cause.full_key or 'conf'}: {unresolved(cause)}"
    for said, ours in _SAID.items():
        if match := re.search(said, text):
            return ours.format(*match.groups())
    # The line that says most: Hydra puts its own around the one with the reason.
    lines = [line.strip() for line in [*text.splitlines(), *str(cause).splitlines()]]
    told = dict.fromkeys(
        line for line in lines if line and not re.search("full_key|object_type|://", line)
    )
    return f"conf: can't be composed: {' '.join(told)[:400]}"


def _unknown(key: str, kind: type[BaseModel], *, chosen: bool) -> str:
    """What to say of a key, or of a group's choice, that was not there to be overridden."""
    if wrong := unknown_key(key, kind):
        return wrong
    if chosen:
        return f"{key}: no defaults list has it; a config.yaml starts from ours: [/config, _self_]"
    if key.partition(".")[0] == "model":  # it is known, but there only once a model is chosen
        return f"{key}: name the model first, model=… {key}=…; in a sweep, write ++{key}=…"
    return f"{key}: is not there to be changed; write ++{key}=…"


def _cycle(error: RecursionError) -> str:
    """Which files lead back to themselves: Hydra walks from one to the next until it falls."""
    walk = [name for name, _ in groupby(_walked(error))]
    again = next((n for n, name in enumerate(walk) if name in walk[:n]), 0)
    circle = walk[walk.index(walk[again]) : again + 1] if again else []
    files = " → ".join(f"{name}.yaml" for name in circle)
    return f"conf: {files or 'a file'}: these defaults lead back to that file; leave one out"


def _walked(error: RecursionError) -> Iterator[str]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        node = getattr(frame.f_locals.get("root"), "node", None)
        if node is not None and hasattr(node, "get_config_path"):
            yield str(node.get_config_path())
