"""pydantic-evals, asking with the openai package: CASES API_BASE CONCURRENCY."""

import asyncio
import json
import sys
from pathlib import Path

from openai import AsyncOpenAI
from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import Contains


async def main(cases: Path, api_base: str, concurrency: int) -> int:
    client = AsyncOpenAI(base_url=api_base, api_key="none", max_retries=0)

    async def ask(text: str) -> str:
        reply = await client.chat.completions.create(
            model="bench",
            messages=[{"role": "user", "content": text}],
            temperature=0.0,
            max_tokens=64,
        )
        return str(reply.choices[0].message.content)

    with cases.open(encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    dataset = Dataset(
        name="bench",
        cases=[
            Case(name=line["id"], inputs=line["input"], evaluators=(Contains(line["expected"]),))
            for line in lines
        ],
    )
    report = await dataset.evaluate(ask, max_concurrency=concurrency, progress=False)
    return len(report.cases)


if __name__ == "__main__":
    print(asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
