"""The limit: aiohttp posts, json reads, nothing is kept. CASES API_BASE CONCURRENCY."""

import asyncio
import json
import sys
from pathlib import Path

import aiohttp


async def main(cases: Path, api_base: str, concurrency: int) -> list[str]:
    free = asyncio.Semaphore(concurrency)
    url = f"{api_base}/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def ask(text: str) -> str:
            messages = [{"role": "user", "content": text}]
            asked = {"model": "bench", "messages": messages, "temperature": 0.0, "max_tokens": 64}
            async with free, session.post(url, json=asked) as reply:
                found = await reply.json()
            return str(found["choices"][0]["message"]["content"])

        with cases.open(encoding="utf-8") as file:
            texts = [json.loads(line)["input"] for line in file]
        return await asyncio.gather(*map(ask, texts))


if __name__ == "__main__":
    print(len(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
