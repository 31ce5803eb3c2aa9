"""Draws passages for a reader to label, like those labelled: `python -m tests.stages.coverage_draw SEED COUNT`.

Kinds of sources (folders) come as often as in the labelled set, and so do lengths. Within a kind a file is drawn that
has no label yet, or where there is none one that is not of the split `test`, and a place in it that no label covers;
of a list of records one whole record. Labels of the split `fresh` are passed over, which was drawn so with seed
20261130 and count 240. Prints a JSON line for each passage: its file and where it lies, never its text.
"""

import csv
import gzip
import io
import json
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from coverage_passages import digest_of, records_of, strings_of, words_of

LABELS = Path(__file__).with_name("coverage_labels.json")
LEAST_WORDS, LISTED_RECORDS = 30, 100
LISTS = (".csv", ".jsonl", ".json")
UNREADABLE = (".tsv", ".tar.gz", ".warc", ".warc.gz", ".bin", ".zip", ".docx", ".doc")
Spans = dict[str, list[tuple[int, int]]]


def main() -> None:
    """Draw, and print where each passage lies."""
    seed, count = map(int, sys.argv[1:])
    data, rng = Path(os.environ["MEDMIX_DATA"]), random.Random(seed)
    real = [one for one in json.loads(LABELS.read_text(encoding="utf-8"))["real"] if one["split"] != "fresh"]
    kinds = [str(Path(label["file"]).parent) for label in real]
    lengths = [label["find"]["words"] for label in real]
    closed = {label["file"] for label in real if label["split"] == "test"}
    taken: Spans = {label["file"]: [] for label in real}
    for label in real:
        taken[label["file"]].append((label["find"]["start_word"], label["find"]["words"]))
    while count:
        kind, length = rng.choice(kinds), rng.choice(lengths)
        files = [file for file in files_of(data, kind) if file not in closed]
        unseen = [file for file in files if file not in taken] or files
        found = drawn(data, rng.choice(unseen), length, rng, taken) if unseen else None
        if found:
            print(json.dumps(found))
            count -= 1


def files_of(data: Path, kind: str) -> list[str]:
    """Return the readable files of a folder, by name."""
    named = sorted(str(path.relative_to(data)) for path in (data / kind).glob("*") if path.is_file())
    return [name for name in named if not name.endswith(UNREADABLE) and "MANIFEST" not in name and "README" not in name]


def drawn(data: Path, file: str, length: int, rng: random.Random, taken: Spans) -> dict[str, Any] | None:
    """Return where a passage of about a length lies in a file; None where it is too short or labelled already."""
    start, words = place(data / file, length, rng)
    spans = taken.setdefault(file, [])
    if words < LEAST_WORDS or any(start < first + many and first < start + words for first, many in spans):
        return None
    spans.append((start, words))
    text = " ".join(words_of(data / file)[start : start + words])
    return {"file": file, "find": {"sha256_12": digest_of(text), "start_word": start, "words": words}}


def place(path: Path, length: int, rng: random.Random) -> tuple[int, int]:
    """Return first word and number of words: those drawn, or those of their record unless it is much longer."""
    total = len(words_of(path))
    start = rng.randrange(max(1, total - length + 1))
    begin = 0
    for words in record_lengths(path):
        if begin + words > start:
            return (begin, words) if words <= 2 * length else (start, min(length, begin + words - start))
        begin += words
    return start, min(length, total)


def record_lengths(path: Path) -> Iterator[int]:
    """Yield how many words each record of a list has; nothing for other files."""
    if not path.name.removesuffix(".gz").endswith(LISTS):
        return
    body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.name.removesuffix(".gz").endswith(".csv"):
        yield from (len(" ".join(row).split()) for row in csv.reader(io.StringIO(body.decode("utf-8", "replace"))))
        return
    for value in records_of(body):
        many = isinstance(value, dict) and len(value) > LISTED_RECORDS
        for record in value.values() if many else value if isinstance(value, list) else [value]:
            yield len(" ".join(strings_of(record)).split())


if __name__ == "__main__":
    main()
