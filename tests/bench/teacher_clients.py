"""The clients that the teacher's benchmark races, one a process: `python teacher_clients.py NAME URL CALLS WAYS OUT`.

Each sends CALLS chat completions to URL with WAYS in flight, keeps the answers in memory (ours in its journal, too),
checks that all are there, and writes when it began and ended to OUT; imports and set-up are before. `bare` is the
least that can be done with sockets: it shows what the endpoint gives. `openai`, `datatrove` and `ray` run in the
peers' environment and import nothing of medmix.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

MESSAGES = [{"role": "system", "content": "You are a careful clinician. " * 40}, {"role": "user", "content": ""}]
MAX_TOKENS = 256


def messages_of(number: int) -> list[dict[str, str]]:
    """Return the prompt of a call: 2 kB, no two alike."""
    return [MESSAGES[0], {"role": "user", "content": f"Case {number}: fever and stiff neck. " * 20}]


def bare(url: str, calls: int, ways: int) -> tuple[float, float]:
    """Write requests to open sockets and read replies by their length."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    numbers = iter(range(calls))

    async def line() -> int:
        reader, writer = await asyncio.open_connection(host, int(port))
        count = 0
        for number in numbers:
            body = json.dumps({"model": "m", "messages": messages_of(number), "max_tokens": MAX_TOKENS}).encode()
            head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            length = next(int(one.split(":")[1]) for one in lines if one.startswith("Content-Length"))
            count += len(json.loads(await reader.readexactly(length))["choices"])
        writer.close()
        return count

    async def run() -> int:
        return sum(await asyncio.gather(*(line() for _ in range(ways))))

    begin = time.time()
    assert asyncio.run(run()) == calls
    return begin, time.time()


def ours(url: str, calls: int, ways: int) -> tuple[float, float]:
    """Ask our teacher, over a journal on the disk."""
    from sources.teacher.client import Teacher
    from sources.teacher.journal import Journal
    from sources.teacher.request import Attempt, make_request
    from sources.teacher.settings import TeacherSettings

    whole = {"url": url, "model": "m", "revision": "1", "sampling": {"max_tokens": MAX_TOKENS}}
    settings = TeacherSettings.model_validate({**whole, "limits": {"concurrency": ways}})
    with tempfile.TemporaryDirectory(prefix="bench-teacher-") as folder:
        teacher = Teacher(settings, Journal(Path(folder)), account="bench")
        first = make_request(settings, [("user", "warm up")], Attempt(0, "warm"), prompt="p@1:0")
        teacher.answer_all([first])  # probes the endpoint
        begin = time.time()
        requests = [
            make_request(
                settings,
                [(one["role"], one["content"]) for one in messages_of(n)],
                Attempt(0, str(n)),
                prompt="p@1:0",
            )
            for n in range(calls)
        ]
        answers = teacher.answer_all(requests)
        end = time.time()
    assert [answer.outcome for answer in answers] == ["ok"] * calls
    return begin, end


def openai(url: str, calls: int, ways: int) -> tuple[float, float]:
    """Use the SDK's asynchronous client behind a semaphore; nothing is kept on disk."""
    from openai import AsyncOpenAI

    async def run() -> list[str]:
        gate = asyncio.Semaphore(ways)
        async with AsyncOpenAI(base_url=url, api_key="none") as client:

            async def call(number: int) -> str:
                async with gate:
                    reply = await client.chat.completions.create(
                        model="m", messages=messages_of(number), max_tokens=MAX_TOKENS
                    )
                return reply.choices[0].message.content

            return await asyncio.gather(*(call(number) for number in range(calls)))

    begin = time.time()
    assert len([text for text in asyncio.run(run()) if text]) == calls
    return begin, time.time()


def datatrove(url: str, calls: int, ways: int) -> tuple[float, float]:
    """Run an InferenceRunner over documents in memory, its checkpoints and replay cache on the disk."""
    from datatrove.data import Document
    from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
    from datatrove.pipeline.writers import JsonlWriter

    async def rollout(document: Any, generate: Any, **_: Any) -> str:
        result = await generate({"messages": messages_of(int(document.id))})
        return str(result.text)

    with tempfile.TemporaryDirectory(prefix="bench-datatrove-") as folder:
        config = InferenceConfig(
            server_type="endpoint",
            endpoint_url=url.removesuffix("/v1"),
            model_name_or_path="m",
            max_concurrent_generations=ways,
            default_generation_params={"max_tokens": MAX_TOKENS},
        )
        writer = JsonlWriter(f"{folder}/out", output_filename="${rank}_chunk_${chunk_index}.jsonl", compression=None)
        runner = InferenceRunner(rollout, config, writer, checkpoints_local_dir=f"{folder}/checkpoints")
        documents = [Document(text="x", id=str(number)) for number in range(calls)]
        begin = time.time()
        for _ in runner.run(iter(documents)) or ():
            pass
        end = time.time()
        written = sum(len(file.read_text().splitlines()) for file in Path(folder, "out").glob("*.jsonl"))
    assert written == calls, f"{written} of {calls}"
    return begin, end


def ray(url: str, calls: int, ways: int) -> tuple[float, float]:
    """Run Ray Data's HTTP processor; each of its workers has one call in flight, so it gets as many as this machine
    bears (8 workers of a quarter CPU)."""
    import os

    os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_AUTH_MODE="disabled", RAY_raylet_start_wait_time_s="300")
    import ray as package
    from ray.data.llm import HttpRequestProcessorConfig, build_processor

    package.init("local", num_cpus=10, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    config = HttpRequestProcessorConfig(url=f"{url}/chat/completions", concurrency=8, batch_size=8)
    processor = build_processor(
        config,
        preprocess=lambda row: {
            "payload": {"model": "m", "messages": messages_of(row["id"]), "max_tokens": MAX_TOKENS}
        },
        postprocess=lambda row: {"text": row["http_response"]["choices"][0]["message"]["content"]},
    )
    begin = time.time()
    rows = processor(package.data.range(calls, override_num_blocks=16)).take_all()
    end = time.time()
    assert len(rows) == calls
    return begin, end


def main() -> None:
    """Run one client."""
    name, url, calls, ways, out = sys.argv[1:]
    begin, end = {"bare": bare, "ours": ours, "openai": openai, "datatrove": datatrove, "ray": ray}[name](
        url, int(calls), int(ways)
    )
    Path(out).write_text(json.dumps([begin, end]))


if __name__ == "__main__":
    main()
