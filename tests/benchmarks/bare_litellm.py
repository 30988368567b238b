"""What one would write without the runner: litellm as it comes, a semaphore, a list of replies.

python -m tests.benchmarks.bare_litellm CASES API_BASE CONCURRENCY
"""

import asyncio
import json
import sys
from pathlib import Path

import litellm


async def main(cases: Path, api_base: str, concurrency: int) -> list[str]:
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
            )
        return str(reply.choices[0].message.content)

    with cases.open(encoding="utf-8") as file:
        texts = [json.loads(line)["input"] for line in file]
    return await asyncio.gather(*map(ask, texts))


if __name__ == "__main__":
    print(len(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
