"""A small finished run whose documents may be released: texts with DOIs and licences, decontaminated, one mixture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.load import load_run
from pipelines.report.card_section import CardConfig
from pipelines.run import How, run

INLINE = How(inline=True, live=False)
WORDS = (
    "dose",
    "fever",
    "child",
    "clinic",
    "oral",
    "daily",
    "give",
    "check",
    "weight",
    "blood",
    "water",
    "salt",
    "rest",
)
ITEM = {
    "id": "boards-1",
    "question": "A woman of 34 years has had fever and night sweats for three weeks after a journey along the river "
    "Volta; which of these tests shows the parasite most surely in a drop of her blood?",
    "options": ["thick film", "radiograph", "spirometry", "audiogram"],
    "answer": "A",
}


def text(number: int, words: int = 120) -> str:
    """Return a text that no other number has."""
    drawn = [WORDS[(number * 7 + place * place + place // 3) % len(WORDS)] for place in range(words)]
    return f"Report {number}. " + " ".join(drawn) + f". Give {number} mg, not more than {number + 1} mg a day."


def record(number: int, **changes: Any) -> dict[str, Any]:
    """Return one row of the source: text, DOI, URL and title, with changes."""
    doi = f"10.5555/report.{number}"
    row = {"id": f"row-{number}", "text": text(number), "doi": doi, "url": f"https://example.org/{number}"}
    return row | {"title": f"Report {number}", "authors": "A. Author, B. Writer"} | changes


def run_file(
    folder: Path,
    rows: Sequence[dict[str, Any]] | None = None,
    *,
    spdx: str = "CC-BY-4.0",
    profile: str = "open",
    stages: Sequence[dict[str, Any]] | None = None,
    **changes: Any,
) -> Path:
    """Write the run file and its source; return its path."""
    for name in ("texts", "boards"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    rows = [record(number) for number in range(24)] if rows is None else rows
    (folder / "texts/rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (folder / "boards/boards.jsonl").write_text(f"{json.dumps(ITEM)}\n")
    fields = {"text": "text", "title": "title", "url": "url", "identifiers": {"doi": "doi"}, "licence": "licence"}
    config = {
        "name": "small",
        "out": str(folder / "run"),
        "seed": 5,
        "profile": profile,
        "shard_bytes": 4096,
        "sources": [
            {
                "name": "texts",
                "kind": "article",
                "path": "texts",
                "parser": "records",
                "options": {"format": "jsonl", "fields": fields},
                "rights": {"spdx": spdx, "evidence": "https://example.org/licence", "attribution": "Example Press"},
            }
        ],
        "stages": stages or [decontaminate(), {"kind": "consolidate"}],
        "card": card(),
        "demo_tokenizer": {"vocabulary": 400},
        "mixtures": [
            {
                "name": "mix",
                "target": "demo",
                "sequence_tokens": 128,
                "sequences_per_shard": 16,
                "on_cap": "shorten",
                "components": [{"name": "all", "weight": 1}],
            }
        ],
        **changes,
    }
    path = folder / "run.yaml"
    path.write_text(json.dumps(config))
    return path


def card(**changes: Any) -> dict[str, Any]:
    """Return a card without a hole."""
    said = {name: f"What there is to say of {name}." for name in CardConfig.model_fields if name != "homepage"}
    note = {"title": "Reports of a small clinic", "audience": "clinicians", "region": "world"}
    return {**said, "version": "1.0.0", "released": "2026-11-30", "sources": {"texts": note}} | changes


def decontaminate() -> dict[str, Any]:
    """Return the stage, with one reference beside the run file."""
    return {"kind": "decontaminate", "references": [{"path": "boards/boards.jsonl"}]}


def release_run(folder: Path, rows: Sequence[dict[str, Any]] | None = None, **changes: Any) -> Path:
    """Run in this process and return the run folder."""
    config = load_run(run_file(folder, rows, **changes))
    run(config, INLINE)
    return Path(config.out)
