"""A user's own conf/ with one decision, for what applies it: the command run, and the client."""

from pathlib import Path

from tests.commands.test_command_line import MODEL, PROVIDER, RETRY

TASK = """
defaults: [/base/task@_here_, _self_]
name: demo
cases: none.jsonl
prompt: "{{ input if input is string else name }}"
scorers: {exact: {}}
"""
JSON_TASK = TASK.replace("name: demo", "name: structured") + "output: json\n"
FALLBACK = """
defaults: [/model@chain.first: second, _self_]
name: chain
"on": [overloaded, server_error, connection]
"""
OVERRIDES = ["task=demo", "model=first", "requirements=base", "retry=quick"]


def write_conf(directory: Path, base_url: str) -> Path:
    """`directory`/conf, with models `first` and `second` at the same address."""
    files = {
        "provider/loop": PROVIDER.format(base_url=base_url),
        "model/first": MODEL.format(name="first"),
        "model/second": MODEL.format(name="second"),
        "task/demo": TASK,
        "task/structured": JSON_TASK,
        "retry/quick": RETRY,
        "fallback/chain": FALLBACK,
    }
    for name, text in files.items():
        path = directory / "conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory / "conf"
