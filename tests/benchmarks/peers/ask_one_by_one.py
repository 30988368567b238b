"""What `aask` adds to an answer: asked in turn with bare aiohttp, which prints milliseconds.

CASES API_BASE: medians of the runner's client and of a post, one after the other.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import aiohttp

from runner import load

CONF = Path(__file__).parents[1] / "conf"


async def main(cases: Path, api_base: str) -> dict[str, float]:
    with cases.open(encoding="utf-8") as file:
        texts = [json.loads(line)["input"] for line in file]
    overrides = ["task=bench", "model=bench", f"model.provider.api_base={api_base}"]
    took: dict[str, list[float]] = {"aask": [], "post": []}

    async def timed(name: str, ask: Callable[[str], Awaitable[object]], text: str) -> None:
        start = time.perf_counter()
        await ask(text)
        took[name].append(time.perf_counter() - start)

    with load(*overrides, f"task.cases={cases}", config_dir=CONF) as client:
        async with aiohttp.ClientSession() as session:

            async def post(text: str) -> None:
                asked = {"model": "bench", "messages": [{"role": "user", "content": text}]}
                async with session.post(f"{api_base}/chat/completions", json=asked) as reply:
                    await reply.json()

            for text in texts:
                await timed("aask", client.aask, text)
                await timed("post", post, text)
    return {name: 1000 * median(seconds) for name, seconds in took.items()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))))
