"""The openai package by itself, in the same loop: CASES API_BASE CONCURRENCY."""

import asyncio
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI


async def main(cases: Path, api_base: str, concurrency: int) -> list[str]:
    free = asyncio.Semaphore(concurrency)
    client = AsyncOpenAI(base_url=api_base, api_key="none", max_retries=0)

    async def ask(text: str) -> str:
        async with free:
            reply = await client.chat.completions.create(
                model="bench",
                messages=[{"role": "user", "content": text}],
                temperature=0.0,
                max_tokens=64,
            )
        return str(reply.choices[0].message.content)

    with cases.open(encoding="utf-8") as file:
        texts = [json.loads(line)["input"] for line in file]
    return await asyncio.gather(*map(ask, texts))


if __name__ == "__main__":
    print(len(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
