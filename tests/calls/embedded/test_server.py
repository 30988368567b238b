"""Serving the embedded model."""

import asyncio
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from runner.calls.embedded.fetch import fetch
from runner.calls.embedded.server import serve, serving
from runner.config import catalogue, loading, paths
from runner.config.paths import cache_dir
from runner.config.schema import Artifact
from runner.errors import ConfigError

LOCAL_YAML = paths.builtin("conf") / "model" / "local.yaml"
MISSING_EXTRA = "the embedded model needs the extra: pip install -e '.[local]'"
QUESTIONS = [f"Say something about the number {n}, in one sentence." for n in range(3)]


@pytest.fixture(scope="session")
def embedded() -> Artifact:
    """The default model with a small context; skips where it can be neither found nor fetched."""
    pytest.importorskip("xllamacpp")
    pinned = Artifact(**yaml.safe_load(LOCAL_YAML.read_text())["artifact"])
    try:
        path = fetch(pinned, cache_dir())
    except ConfigError as error:
        if "can't fetch" not in str(error):
            raise
        pytest.skip(str(error))
    return Artifact(path=str(path), context_tokens=512, slots=2)


@pytest.fixture
def no_model(tmp_path: Path) -> Artifact:
    """A file that only begins like a model."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0" + b"x" * 64)
    return Artifact(path=str(path), context_tokens=512)


async def ask(api_base: str, text: str, **more: Any) -> httpx.Response:
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": 16, "temperature": 0}
    async with httpx.AsyncClient(timeout=300, trust_env=False) as client:
        return await client.post(f"{api_base}/chat/completions", json={**body, **more})


async def test_missing_extra(no_model: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp the error is one line with the command that installs it."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(ConfigError) as caught:
        async with serving(no_model, "local"):
            pass
    assert str(caught.value) == MISSING_EXTRA


async def test_refused_model(no_model: Artifact, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that llama.cpp refuses is one line with llama.cpp's own first reason."""
    pytest.importorskip("xllamacpp")
    with pytest.raises(ConfigError, match=r"can't serve .*broken\.gguf: gguf_init.*: .+") as caught:
        async with serving(no_model, "local"):
            pass
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.embedded
async def test_answers_in_silence(embedded: Artifact, capfd: pytest.CaptureFixture[str]) -> None:
    """It answers an OpenAI request under its name, prints nothing, and frees its port."""
    async with serving(embedded, "local") as api_base:
        reply = (await ask(api_base, "Say hello.")).json()
    assert reply["choices"][0]["message"]["content"]
    assert reply["model"] == "local"
    assert capfd.readouterr() == ("", "")
    with pytest.raises(httpx.ConnectError):
        await ask(api_base, "Still there?")


@pytest.mark.embedded
async def test_same_answers_whatever_the_order(embedded: Artifact) -> None:
    """Greedy answers are the same, byte for byte, alone, two at a time and the other way round."""
    async with serving(embedded, "local") as api_base:

        async def answer(question: str) -> str:
            reply = (await ask(api_base, question)).json()
            return str(reply["choices"][0]["message"]["content"])

        alone = [await answer(question) for question in QUESTIONS]
        together = await asyncio.gather(*map(answer, QUESTIONS))
        backwards = await asyncio.gather(*map(answer, reversed(QUESTIONS)))
    assert alone == together == backwards[::-1]


@pytest.mark.embedded
async def test_too_long_is_refused(embedded: Artifact, capfd: pytest.CaptureFixture[str]) -> None:
    """A request beyond the context of a slot is turned away with HTTP 400, not cut to fit."""
    async with serving(embedded, "local") as api_base:
        response = await ask(api_base, "too long " * 512)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "exceed_context_size_error"
    assert capfd.readouterr().err == ""


@pytest.mark.embedded
async def test_template_of_the_config(embedded: Artifact) -> None:
    """A chat template of the config takes the place of the file's own."""
    bare = embedded.model_copy(update={"chat_template": "{{ messages[-1].content }}"})
    async with serving(bare, "local") as api_base:
        reply = (await ask(api_base, "One two three")).json()
    assert reply["usage"]["prompt_tokens"] <= 4


@pytest.mark.embedded
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_process(embedded: Artifact, stop: signal.Signals, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM in the middle of an answer end the process at once."""
    script = tmp_path / "serve.py"
    script.write_text(
        f"""
import asyncio, httpx
from runner.calls.embedded.server import serving
from runner.config.schema import Artifact

async def main():
    async with serving(Artifact(path={embedded.path!r}, context_tokens=2048), "local") as api_base:
        body = {{"messages": [{{"role": "user", "content": "Hi"}}], "ignore_eos": True}}
        body["stream"] = True
        async with httpx.AsyncClient(timeout=300, trust_env=False) as client:
            async with client.stream("POST", f"{{api_base}}/chat/completions", json=body) as reply:
                async for _ in reply.aiter_bytes():
                    print("answering", flush=True)

asyncio.run(main())
"""
    )
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env={"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        # The suite may itself run in the background, where SIGINT is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"answering\n"
        process.send_signal(stop)
        assert process.wait(timeout=60) == -stop


TOOLS = [{"type": "function", "function": {"name": "find_store", "description": "Find it."}}]
CALL = {"id": "1", "type": "function", "function": {"name": "find_store", "arguments": "{}"}}
TALK = [
    {"role": "user", "content": "Where?"},
    {"role": "assistant", "content": "Here."},
    {"role": "user", "content": "And there?"},
]


async def prompt(api_base: str, messages: list[dict[str, Any]], **more: Any) -> str:
    """The text that messages become."""
    url = f"{api_base.removesuffix('/v1')}/apply-template"
    async with httpx.AsyncClient(timeout=300, trust_env=False) as client:
        got = await client.post(url, json={"messages": messages, **more})
    return str(got.json()["prompt"])


@pytest.mark.embedded
async def test_its_template_is_the_files_own_with_tools(embedded: Artifact) -> None:
    """Without tools the prompt is the very same; with them it has names, calls and results."""
    template = yaml.safe_load(LOCAL_YAML.read_text())["artifact"]["chat_template"]
    told = [{"role": "system", "content": "Be brief."}, *TALK]
    async with serving(embedded, "local") as own:
        plain = [await prompt(own, messages) for messages in (TALK, told)]
    ours = embedded.model_copy(update={"chat_template": template})
    async with serving(ours, "local") as api_base:
        assert [await prompt(api_base, messages) for messages in (TALK, told)] == plain
        calling = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        result = {"role": "tool", "tool_call_id": "1", "content": "Ghent"}
        text = await prompt(api_base, [*told[:2], calling, result], tools=TOOLS)
    assert text.count("find_store") == 2 and "Ghent" in text and "Be brief." in text


@pytest.mark.embedded
async def test_tools_that_it_would_not_see_are_refused(embedded: Artifact) -> None:
    """llama.cpp leaves tools out of a prompt whose template has no place for them: we say so."""
    given = ["task=tool_use", "model=local", "model.artifact.chat_template=null"]
    job = loading.load(catalogue.compose_config("config", given, None))
    async with AsyncExitStack() as stack:
        with pytest.raises(ConfigError, match="local: its chat template has no place for tools"):
            await serve(job, stack)
