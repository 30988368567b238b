"""Templates: believed when they hold, kept without a key or a prompt, and left when they don't."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.calls.compile import Template, Templates, compiled, named
from runner.calls.translate import Caught
from runner.calls.transport import Transport
from runner.config.schema import Job, Single
from tests import loopback
from tests.conftest import KEY
from tests.loopback import Loopback
from tests.providers.planted import CHANGES, planted

MakeJob = Callable[..., Job]
ROLES = ("system", "user")


def single(job: Job) -> Single:
    assert isinstance(job.model, Single)
    return job.model


def model_of(make_job: MakeJob, prefix: str = "openai", port: int = 9, **changes: Any) -> Single:
    changes = {"model.provider.litellm": prefix} | changes
    return single(make_job(f"http://127.0.0.1:{port}/v1", **changes))


def test_nothing_of_a_user_is_kept(make_job: MakeJob, tmp_path: Path) -> None:
    """On disk a template has neither a key nor a prompt, and is the same when it is read."""
    model = model_of(make_job)
    name = named(model, {"max_tokens": 5}, ROLES, False)
    kept = tmp_path / "kept"
    made = Templates(kept).get(name, model, {"max_tokens": 5}, ROLES, False)
    [file] = kept.iterdir()
    assert KEY not in file.read_text()

    def never(*_: Any, **__: Any) -> Caught:
        raise AssertionError("it is there already")

    again = Templates(kept, never).get(name, model, {"max_tokens": 5}, ROLES, False)
    assert isinstance(made, Template)
    assert again == made


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"parts": 5}', b"\xff"])
def test_a_damaged_one_is_made_again(make_job: MakeJob, tmp_path: Path, damage: bytes) -> None:
    """A file of the cache that can't be read is none."""
    model = model_of(make_job)
    (tmp_path / "name.json").write_bytes(damage)
    made = Templates(tmp_path).get("name", model, {}, ROLES, False)
    assert isinstance(made, Template)
    assert "parts" in json.loads((tmp_path / "name.json").read_bytes())


@pytest.mark.parametrize("change", CHANGES)
async def test_what_does_not_hold(make_job: MakeJob, tmp_path: Path, change: str) -> None:
    """Where litellm sends other than the template says, it sends by itself, and that is said."""
    catch = planted(CHANGES[change])
    why = compiled(model_of(make_job), {}, ROLES, streamed=False, catch=catch)
    assert isinstance(why, str)
    with Loopback(loopback.text("hi")) as server:
        model = single(make_job(server.base_url))
        async with Transport(templates=Templates(tmp_path, catch)) as transport:
            messages = [{"role": role, "content": "hello there"} for role in ROLES]
            reply = await transport.complete(model, messages, {})
    assert (reply.text, reply.by_litellm, len(server.requests)) == ("hi", why, 1)


def test_white_space_is_a_matter_of_its_own(make_job: MakeJob) -> None:
    """What changes only texts with white space around them leaves the others compiled."""

    def trim(sent: Caught, text: str) -> Caught:
        inner = json.dumps(text.strip(), ensure_ascii=False).encode()
        return replace(
            sent, body=sent.body.replace(json.dumps(text, ensure_ascii=False).encode(), inner)
        )

    model = model_of(make_job)
    made = compiled(model, {}, ("user",), streamed=False, catch=planted(trim))
    assert isinstance(made, Template)
    assert made.takes(["hi"]) and not made.takes(["hi\n"])
    usual = compiled(model, {}, ("user",), streamed=False)
    assert isinstance(usual, Template)
    assert usual.takes(["hi\n", "", " "])


def test_what_shapes_a_request_names_it(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever changes a request is another name; the port of this machine and the key are not."""
    model = model_of(make_job)
    one = named(model, {"max_tokens": 5}, ROLES, False)
    other_port = model_of(make_job, port=10)
    assert named(other_port, {"max_tokens": 5}, ROLES, False) == one
    changes: dict[str, Any] = {"model.id": "x"}
    other_id = model_of(make_job, **changes)
    changes = {"model.extra_body": {"a": 1}}
    extra = model_of(make_job, **changes)
    others = {
        named(model, {"max_tokens": 6}, ROLES, False),
        named(model, {"max_tokens": 5}, ("user",), False),
        named(model, {"max_tokens": 5}, ROLES, True),
        named(model_of(make_job, "mistral"), {"max_tokens": 5}, ROLES, False),
        named(other_id, {"max_tokens": 5}, ROLES, False),
        named(extra, {"max_tokens": 5}, ROLES, False),
    }
    monkeypatch.setenv("OPENAI_ORGANIZATION", "org-of-mine")
    others.add(named(model, {"max_tokens": 5}, ROLES, False))
    assert len(others | {one}) == 8


async def test_images_go_by_litellm(make_job: MakeJob, tmp_path: Path) -> None:
    """What is no text is sent by litellm, and the record says why."""
    with Loopback(loopback.text("hi")) as server:
        parts = [{"type": "text", "text": "hello"}]
        async with Transport(templates=Templates(tmp_path)) as transport:
            reply = await transport.complete(
                single(make_job(server.base_url)), [{"role": "user", "content": parts}], {}
            )
    assert (reply.text, reply.by_litellm) == ("hi", "images or files go with it")
