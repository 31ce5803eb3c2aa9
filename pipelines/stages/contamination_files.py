"""Read the items of a benchmark from a file: JSON lines, JSON, CSV or Parquet, plain or gzip, whatever its columns.

Columns are found by the names that published sets use (MedQA, MedMCQA, PubMedQA, MMLU, MMLU-Pro, ARC, HEAD-QA,
HealthBench, IFEval and others), or told by `fields`, where a dot goes into a value (`question.stem`). A row that
holds no words, or is no row, is counted; a file without one item is refused. Not here: sets that the run loads itself.
"""

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field, field_validator

from pipelines.engine.errors import InputError
from pipelines.engine.settings import BYTES, SPEED, Settings
from pipelines.stages.contamination_items import Item, is_telling, parts_of

NAMES = {
    "question": ("question", "QUESTION", "qtext", "prompt", "instruction", "query", "stem", "input", "problem", "goal"),
    "options": ("options", "choices", "answers", "answer_options", "endings"),
    "answer": (
        "answer_idx", "answer_index", "answerKey", "correct_answers", "correct_answer", "answer", "label", "cop", "ra",
        "gold", "target", "output", "completion", "response", "ideal_completions_data", "final_decision",
    ),
    "explanation": ("explanation", "exp", "LONG_ANSWER", "rationale", "reasoning", "solution"),
    "passage": ("passage", "CONTEXTS", "contexts", "context", "abstract", "text", "content"),
    "messages": ("messages", "conversation", "conversations"),
    "id": ("id", "question_id", "qid", "sample_id", "prompt_id", "uuid", "key", "pmid", "pubid"),
}  # fmt: skip
"""Columns by what they hold; of several that a row has, the first that is not empty counts."""
_OPTION_COLUMNS = (
    ("opa", "opb", "opc", "opd", "ope"),
    tuple("ABCDEFGHIJ"),
    ("ending0", "ending1", "ending2", "ending3"),
)
_TEXT_KEYS = ("text", "atext", "content", "value", "completion", "ideal_completion")
_LABEL_KEYS = ("label", "aid", "letter", "key")
_LISTS = ("data", "questions", "items", "examples", "rows")
Format = Literal["jsonl", "json", "csv", "parquet"]
_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet",
}  # fmt: skip


class Reference(Settings):
    """One file of a benchmark that must not be trained on."""

    path: Annotated[str, Field(min_length=1), SPEED]
    """Relative to the run file; may name environment variables. The content counts, not the place."""
    name: Annotated[str, BYTES] = ""
    """How findings call it; the file's name without suffix when empty. Two references may share a name."""
    format: Annotated[Format | None, BYTES] = None
    """Told by the suffix when not given; .gz is unpacked."""
    fields: Annotated[dict[str, str], BYTES] = Field(default_factory=dict)
    """Column of question, options, answer, explanation, passage, messages or id, where it has another name."""
    columns: Annotated[tuple[str, ...], BYTES] = ()
    """Names of the columns of a CSV without a header."""
    optional: Annotated[bool, SPEED] = False
    """A file that is not there is left out, and said so."""

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(fields) - set(NAMES)):
            raise ValueError(f"unknown field {unknown[0]!r}; known are {', '.join(NAMES)}")
        return fields

    @property
    def benchmark(self) -> str:
        """The name that findings give."""
        return self.name or self.path.rpartition("/")[2].partition(".")[0]


class Read(NamedTuple):
    """The items of a file, and the numbers (from 1) of rows that hold none."""

    items: list[Item]
    without: list[int]


def read_reference(reference: Reference, body: memoryview, sha256: str) -> Read:
    """Return the items of a file's bytes. Raises InputError, with the reference's name, when there is none."""
    told = f"reference {reference.benchmark!r} ({reference.path})"
    items: list[Item] = []
    without: list[int] = []
    try:
        for number, row in enumerate(_rows(reference, body), 1):
            item = _item(reference, sha256[:12], number, row) if isinstance(row, Mapping) else None
            if item is None:
                without.append(number)
            else:
                items.append(item)
    except (ValueError, OSError, EOFError, pa.ArrowException, csv.Error, RecursionError) as error:
        raise InputError(f"{told}: cannot be read as {format_of(reference)}: {type(error).__name__}") from error
    if not items:
        raise InputError(
            f"{told}: not one of its {len(without)} rows holds an item; name its columns, e.g. "
            "fields: {question: ..., options: ..., answer: ...}"
        )
    return Read(items, without)


def format_of(reference: Reference) -> Format:
    """Return the format of a reference. Raises InputError when neither its settings nor its suffix tell."""
    suffix = "." + reference.path.removesuffix(".gz").rpartition(".")[2]
    found = reference.format or _SUFFIXES.get(suffix.lower())
    if found is None:
        raise InputError(f"reference {reference.path}: the suffix tells no format; add format: {'|'.join(_SUFFIXES)}")
    return found


def _rows(reference: Reference, body: memoryview) -> Iterator[Any]:
    kind, data = format_of(reference), bytes(body)
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if kind == "parquet":
        for batch in pq.ParquetFile(pa.BufferReader(data)).iter_batches():
            yield from batch.to_pylist()
        return
    text = data.decode("utf-8-sig")
    if kind == "jsonl":
        yield from (_json(line) for line in text.split("\n") if line.strip())
    elif kind == "csv":
        yield from csv.DictReader(io.StringIO(text, newline=""), fieldnames=reference.columns or None)
    else:
        yield from _listed(json.loads(text))


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _listed(value: Any, key: str = "") -> Iterator[Any]:
    """Yield the rows of a JSON value: a list, lists deeper down, or an object whose values are rows by key."""
    if isinstance(value, list):
        yield from value
        return
    if not isinstance(value, dict):
        return
    if lists := [value[name] for name in _LISTS if isinstance(value.get(name), list)]:
        for rows in lists:
            yield from rows
        return
    for name, inner in value.items():
        if isinstance(inner, dict) and not any(isinstance(inner.get(n), list) for n in _LISTS) and _is_row(inner):
            yield {"id": name, **inner}
        else:
            yield from _listed(inner, name) if isinstance(inner, dict) else ()


def _is_row(value: Mapping[str, Any]) -> bool:
    return any(name in value for column in ("question", "passage", "messages") for name in NAMES[column])


def _item(reference: Reference, digest: str, number: int, row: Mapping[str, Any]) -> Item | None:
    found = {name: _find(reference, row, name) for name in NAMES}
    labels, options = _options(found["options"], row)
    question, passage = _text(found["question"]), _text(found["passage"])
    answer = _answer(found["answer"], labels, options)
    if turns := found["messages"] or (found["question"] if _are_turns(found["question"]) else None):
        question, said = _turns(turns)
        answer = "\n\n".join(filter(None, [said, answer]))
    parts = parts_of(question, options, answer, _text(found["explanation"]), passage)
    name = _text(found["id"])
    ids = [f"name:{name.lower()}"] if is_telling(name) else []
    ids += [f"pmid:{value}" for value in [_pmid(row, name)] if value]
    return Item(reference.benchmark, digest, name or f"row-{number}", tuple(ids), parts) if parts else None


def _pmid(row: Mapping[str, Any], name: str) -> str:
    given = next((str(row[key]) for key in ("pmid", "PMID", "pubid") if row.get(key)), "")
    return given or (name if "LONG_ANSWER" in row and name.isdigit() else "")


def _find(reference: Reference, row: Mapping[str, Any], name: str) -> Any:
    spec = reference.fields.get(name)
    if spec is None:
        return next((row[key] for key in NAMES[name] if row.get(key) not in (None, "", [], {})), None)
    value: Any = row
    for step in spec.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _text(value: Any) -> str:
    """Return the words of a value: text, a number, the text of an object, or those of a list, a blank line between."""
    if isinstance(value, Mapping):
        return next((_text(value[key]) for key in ("stem", *_TEXT_KEYS) if key in value), "")
    if isinstance(value, list):
        return "\n\n".join(filter(None, map(_text, value)))
    return "" if value is None or isinstance(value, bool) else str(value)


def _options(value: Any, row: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return labels and texts of the options, both empty when there are none."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        value = _json(value)
    if isinstance(value, Mapping) and isinstance(value.get("text"), list):
        return [str(label) for label in value.get("label") or []], [_text(text) for text in value["text"]]
    if isinstance(value, Mapping):
        return [str(label) for label in value], [_text(text) for text in value.values()]
    if isinstance(value, list) and len(value) > 1:
        labels = [
            next((str(one[key]) for key in _LABEL_KEYS if key in one), "") for one in value if isinstance(one, dict)
        ]
        return labels, [_text(one) for one in value]
    for columns in _OPTION_COLUMNS:
        if all(column in row for column in columns[:2]):
            return [c[-1] for c in columns if row.get(c)], [_text(row[c]) for c in columns if row.get(c)]
    return [], []


def _answer(value: Any, labels: list[str], options: list[str]) -> str:
    """Return the words of the right options, or of a free answer; "" when a mark names no option."""
    if isinstance(value, list) and options:
        return "\n".join(filter(None, (_answer(one, labels, options) for one in value)))
    given = _text(value).strip()
    if not options or given in options:
        return given
    named = [text for label, text in zip(labels, options, strict=False) if label.strip().lower() == given.lower()]
    if named:
        return named[0]
    place = "abcdefghij".find(given.lower()) if len(given) == 1 and given.isalpha() else -1
    if given.isdigit():
        place = int(given)
    return options[place] if 0 <= place < len(options) else ""


def _are_turns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(turn, Mapping) and "role" in turn for turn in value)


def _turns(turns: Any) -> tuple[str, str]:
    """Return what was asked and what was answered."""
    said: dict[bool, list[str]] = {False: [], True: []}
    for turn in turns if isinstance(turns, list) else []:
        if isinstance(turn, Mapping):
            role = str(turn.get("role") or turn.get("from"))
            said[role in ("assistant", "gpt", "model")].append(_text(turn.get("content", turn.get("value"))))
    return "\n\n".join(said[False]), "\n\n".join(said[True])
