"""What one would write without the runner: litellm as it comes, a semaphore, a list of replies.

python tests/benchmarks/peers/litellm_loop.py CASES API_BASE CONCURRENCY [stream]
"""

import asyncio
import json
import sys
from pathlib import Path

import litellm


async def main(cases: Path, api_base: str, concurrency: int, stream: bool) -> list[str]:
    free = asyncio.Semaphore(concurrency)

    async def ask(text: str) -> str:
        async with free:
            reply = await litellm.acompletion(
                model="openai/bench",
                messages=[{"role": "user", "content": text}],
                api_base=api_base,
                api_key="none",
                temperature=0.0,  # it and max_tokens only because the runner's task sends them too
                max_tokens=64,
                stream=stream,
            )
            if stream:
                return "".join([chunk.choices[0].delta.content or "" async for chunk in reply])
        return str(reply.choices[0].message.content)

    with cases.open(encoding="utf-8") as file:
        texts = [json.loads(line)["input"] for line in file]
    return await asyncio.gather(*map(ask, texts))


if __name__ == "__main__":
    cases, api_base, concurrency, *more = sys.argv[1:]
    print(len(asyncio.run(main(Path(cases), api_base, int(concurrency), bool(more)))))
