"""A hub to write to, and files to bring there, small and large."""

import hashlib
import os
from pathlib import Path

import pytest
from fakes.hub.server import Hub
from huggingface_hub import constants
from huggingface_hub.utils import _http as http

from pipelines.engine import hub as hub_module
from pipelines.engine.hub_upload import HubTarget, Sent
from pipelines.publish.send import send

REPO = "someone/mix"
TOKEN = "hf_right"


def use_hub(monkeypatch: pytest.MonkeyPatch, hub: Hub, home: Path, token: str = TOKEN) -> None:
    """Let this process speak with the fake hub, without waiting."""
    monkeypatch.setattr(hub_module, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("HF_TOKEN", token)


def sent(folder: Path, path: str, body: bytes) -> Sent:
    file = folder / path.replace("/", "_")
    file.write_bytes(body)
    return Sent(path, file, hashlib.sha256(body).hexdigest())


def part(folder: Path, number: int, of: int = 4, kind: str = "mix") -> Sent:
    body = f"{kind} part {number} ".encode() * 500
    digest = hashlib.sha256(body).hexdigest()[:16]
    return sent(folder, f"data/{kind}/train-{number:05d}-of-{of:05d}-{digest}.parquet", body)


def release(folder: Path, card: str = "# first\n", of: int = 4) -> list[Sent]:
    files = [part(folder, number, of) for number in range(of)]
    files.append(sent(folder, "mixtures/mix/tokenizer.json", b"{}"))
    return [*files, sent(folder, "README.md", card.encode()), sent(folder, "ATTRIBUTION.tsv", b"id\tsource\n" * 200)]


def upload(environment: dict[str, str], files: list[Sent]) -> None:
    """Bring files to the hub, in a process of its own."""
    os.environ.update(environment)
    hub_module.FIRST_PAUSE_S = 0.01
    constants.HF_HUB_DISABLE_XET = True
    http.time.sleep = lambda seconds: None  # type: ignore[attr-defined]
    target = HubTarget(REPO)
    target.create(private=True)
    send(target, files, "v1", lambda line: None)
