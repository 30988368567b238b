"""Overrides that Hydra can't take are refused in our words, and say what would be right."""

import pytest

from runner.config import loading
from runner.config.catalogue import compose_config
from runner.errors import ConfigError

REFUSED = [
    ("task=${x}", "task=${x}: an option is the name of a file in conf/task/"),
    ("task=null", "task=null: null is no file of conf/task/; leave it out"),
    ("task=1", "task=1: an option is"),
    ("~task", "~task: a choice can't be taken away; write task=<option>"),
    ("model=[haiku,sonnet]", "takes one option, no list"),
    ("model=haiku,sonnet", "model=haiku,sonnet: one value at a time; quote what is one text"),
    ("limit=range(1,3)", "limit=range(1,3): one value at a time"),
    ("prompt=null", "prompt=null: null is no file of conf/prompt/; leave it out"),
    ("++model=haiku", "write model=haiku"),
    ("+model=haiku", "model: is chosen already; write model=…"),
    ("+task=nope", "task=nope: no such option; there is: classification"),
    ("+limit=3 +limit=4", "limit: is there already; write limit=… without the +"),
    ("+nope@x=y", "+nope@x=y: there is no such group"),
    ("~nope", "~nope: there is no such key"),
    ("~concurrency=3", "~concurrency: has another value"),
    ("tags+=[a]", "a list is given whole: tags=[…]"),
    ("tags.0=a", "tags.0=a: a list is given whole: tags=[…]"),
    ("+tags.x=a", "a list is given whole: tags=[…]"),
    ("task..name=x", "a key is words joined by dots"),
    ("task[0]=x", "a key is words joined by dots"),
    ("limit=${a.}", "limit=${a.}: can't be read; if it is one text, write 'limit="),
    ("limit=${nope}", "limit: ${nope} is no key of the config; the text itself is \\${nope}"),
    ("limit=${nope:x}", "limit: ${nope:…} is no function of a config"),
    ("limit=${limit}", "limit: its ${…} leads back to itself"),
    ("limit.x=1", "limit.x: is not there to be changed"),
    ("hydra.mode=x", "hydra.mode=x: this key takes no such value"),
]


@pytest.mark.parametrize(("override", "expected"), REFUSED)
def test_refused(override: str, expected: str) -> None:
    """The line names the override and the way to say it; nothing of it is Hydra's."""
    with pytest.raises(ConfigError) as refused:
        loading.load(compose_config("config", override.split(" "), None))
    [problem] = refused.value.problems
    assert expected in problem
    foreign = ("omegaconf", "full_key", "object_type", "primary config", "multirun", "Could not")
    assert not [word for word in foreign if word in problem]


def test_a_choice_by_reference() -> None:
    """An option may be that of another group; `{…}` sets keys below a choice."""
    overrides = ["requirements=${task}", "task=reasoning", "requirements={confidence: 0.9}"]
    found = compose_config("config", overrides, None).requirements
    assert (found.name, found.confidence) == ("reasoning", 0.9)
