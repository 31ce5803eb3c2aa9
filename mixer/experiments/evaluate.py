"""What proxies are judged by: texts with the bytes they count for, and the targets that each of them adds to.

A held-out document counts for its component and its slices (and as general text, where its component is), by a piece of
it when it is long, as a target should tell of many documents. A question counts by its gold answer alone, given the
question: no options are shown, so that the likelihood of the answer is asked for and not that of a letter (the
continuous proxy of arXiv 2504.11393). Bits per byte are comparable across tokenizers. The stage writes items once;
every proxy reads the same. Not here: the model that scores them (`proxy`).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from tokenizers import Tokenizer

from mixer.assemble import Part, TokenShards, assemble, lay_out
from mixer.experiments.settings import GENERAL, HELD_OUT, QUESTIONS, SLICE, ExperimentConfig
from mixer.experiments.split import HELD_OUT as ROLE
from mixer.experiments.split import Given
from mixer.pack import PackRule, pack
from mixer.target import Target, load_tokenizer_bytes
from mixer.tokenized import loaded
from pipelines.engine.errors import PlanError
from pipelines.engine.hashing import derive_seed
from pipelines.engine.manifest import Manifest
from pipelines.engine.shard import Shard
from pipelines.engine.stage import ShardTask

ITEMS = pa.schema(
    [
        ("item", pa.string()),
        ("targets", pa.list_(pa.string())),
        ("ids", pa.list_(pa.uint32())),
        ("context", pa.int32()),
        ("size_bytes", pa.int64()),
    ]
)
TOKEN_BYTES = 4
"""Of an estimated token, as everywhere before a tokenizer is chosen."""
Longs = npt.NDArray[np.int64]


class Evaluation:
    """Write the items that every proxy is judged by."""

    name = "evaluation"
    version = "2"
    reasons: frozenset[str] = frozenset()

    def __init__(self, config: ExperimentConfig, given: Given, target: Target) -> None:
        self._config = config
        self._target = target
        self._given = given

    def identity(self) -> dict[str, Any]:
        """Return what chooses and shapes items."""
        names = ("seed", "components", "held_out", "questions", "slices", "objective")
        own = {name: value for name, value in self._config.identity().items() if name in names}
        return {**own, "sequence_tokens": self._config.proxy.sequence_tokens, "target": self._target.identity()}

    def tasks(self, inputs: Mapping[str, Manifest]) -> list[ShardTask]:
        """Return one task; a set of questions is a role of its own."""
        roles = {role: tuple(inputs[role].files()) for role in ("chosen", "tokenizer") if role in inputs}
        asked = {f"{QUESTIONS}/{name}": refs for name, refs in self._given.questions.items()}
        return [ShardTask("items", {**roles, **asked, ROLE: tuple(inputs["split"].files(ROLE))})]

    def run(self, shard: Shard) -> None:
        """Write items, and tell how many there are of each target. Raises PlanError for an objective without any."""
        trained = shard.inputs("tokenizer")
        tokenizer = load_tokenizer_bytes(bytes(shard.read(trained[0]))) if trained else loaded(self._target)[0]
        rows = [*self._documents(shard, tokenizer), *self._questions(shard, tokenizer)]
        counts = Counter(target for row in rows for target in row["targets"])
        few = {name for name, n in counts.items() if name.startswith(SLICE) and n < self._config.slices.min_documents}
        for row in rows:
            row["targets"] = [name for name in row["targets"] if name not in few]
        missing = [name for name in self._config.objective if not counts[name] or name in few]
        if missing:
            have = ", ".join(f"{name} ({n})" for name, n in sorted(counts.items()) if name not in few)
            raise PlanError(
                f"objective: nothing is held out for {missing}; the targets of this run are {have}; "
                "slices need slices.min_documents, questions need records that are not for training"
            )
        shard.write(pa.Table.from_pylist(rows, schema=ITEMS))
        shard.facts["targets"] = {name: n for name, n in sorted(counts.items()) if name not in few}
        shard.facts["vocabulary"] = tokenizer.get_vocab_size() if trained else self._target.vocabulary
        shard.facts["tokens"] = sum(len(row["ids"]) for row in rows)

    def _documents(self, shard: Shard, tokenizer: Tokenizer) -> Iterator[dict[str, Any]]:
        chosen = {row["id"]: row for table in shard.tables("chosen") for row in table.to_pylist()}
        general = {one.name for one in self._config.components if one.general}
        for table in shard.tables(ROLE):
            ids = table["id"].to_pylist()
            texts = [excerpt(self._config, *pair) for pair in zip(ids, table["text"].to_pylist(), strict=True)]
            encoded = tokenizer.encode_batch(texts, add_special_tokens=False)
            for identity, text, one in zip(ids, texts, encoded, strict=True):
                about = chosen[identity]
                targets = [f"{HELD_OUT}/{about['component']}", *(f"{SLICE}/{name}" for name in about["slices"])]
                targets += [GENERAL] * (about["component"] in general)
                yield _item(identity, targets, one.ids, 0, text)

    def _questions(self, shard: Shard, tokenizer: Tokenizer) -> Iterator[dict[str, Any]]:
        for one in self._config.questions:
            target = f"{QUESTIONS}/{one.name}"
            for identity, prompt, gold in asked(shard.tables(target), self._config.seed, one.limit):
                answer = tokenizer.encode(gold, add_special_tokens=False).ids
                room = max(0, self._config.proxy.sequence_tokens - 1 - len(answer))
                context = tokenizer.encode(prompt, add_special_tokens=False).ids[-room:] if room else []
                yield _item(identity, [target], context + answer, len(context), gold)


def excerpt(config: ExperimentConfig, identity: str, text: str) -> str:
    """Return the part of a held-out document that judges: whole characters in a row, from a place drawn by the seed."""
    data, size_bytes = text.encode(), config.held_out.document_tokens * TOKEN_BYTES
    first = derive_seed(config.seed, "excerpt", identity) % max(1, len(data) - size_bytes + 1)
    return data[first : first + size_bytes].decode(errors="ignore")


def asked(tables: Iterable[pa.Table], seed: int, limit: int) -> Iterator[tuple[str, str, str]]:
    """Yield id, prompt and gold answer of the first `limit` questions in the order of the seed."""
    rows = [row for table in tables for row in _scorable(table)]
    rows.sort(key=lambda row: (derive_seed(seed, QUESTIONS, row["id"]), row["id"]))
    for row in rows[:limit]:
        gold = row["mcq"]["options"][row["mcq"]["gold"][0]].strip()
        yield row["id"], f"Question: {row['mcq']['question'].strip()}\nAnswer:", f" {gold}"


def _scorable(table: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the questions of a table that have one gold answer in words."""
    for row in table.select(["id", "mcq", "extra"]).to_pylist():
        mcq = row["mcq"]
        held = '"reference_only": true' in (row["extra"] or "") or '"reference_only":true' in (row["extra"] or "")
        if held and mcq and len(mcq["gold"] or ()) == 1 and (mcq["options"] or ())[mcq["gold"][0]].strip():
            yield row


def _item(identity: str, targets: list[str], ids: list[int], context: int, scored: str) -> dict[str, Any]:
    size_bytes = len(scored.encode())
    return {"item": identity, "targets": targets, "ids": ids, "context": context, "size_bytes": size_bytes}


@dataclass(frozen=True, slots=True)
class Exam:
    """Items laid out in rows: `ids`, `labels` and `positions` (n, S); `item` is the item of each label, -1 for none.

    A text is scored from its first token on, given BOS; what is longer than a row goes on after another BOS.
    """

    ids: Longs
    labels: Longs
    positions: Longs
    item: Longs
    size_bytes: Longs
    members: Mapping[str, Longs]
    """Target -> its items."""

    def bits_per_byte(self, nats: npt.NDArray[np.float64]) -> dict[str, float]:
        """Return each target from the loss of every item, shape (items,)."""
        return {
            name: float(nats[items].sum() / np.log(2) / max(1, self.size_bytes[items].sum()))
            for name, items in self.members.items()
        }


def exam_of(items: pa.Table, target: Target, sequence_tokens: int) -> Exam:
    """Return the rows of a table of `ITEMS`; the same table gives the same rows."""
    lists = items["ids"].combine_chunks()
    values = lists.values.to_numpy().astype(target.id_dtype)
    offsets = lists.offsets.to_numpy().astype(np.int64)
    unmasked = np.zeros((0, 2), np.int64), np.zeros(len(lists) + 1, np.int64)
    tokens = TokenShards((values,), (offsets,), np.array([0, len(lists)]), *unmasked)
    packed = pack(np.diff(offsets), PackRule(sequence_tokens, bos=True, eos=False, continuation_bos=True))
    part = Part(packed, np.arange(packed.sequences), np.arange(packed.sequences), 0)
    ids = assemble([part], tokens, target).input_ids.astype(np.int64)
    laid = lay_out(part)
    labels, positions = np.zeros_like(ids).reshape(-1), np.zeros_like(ids).reshape(-1)
    item = np.full(ids.size, -1, np.int64)
    context = items["context"].to_numpy()
    flat = ids.reshape(-1)
    for piece, row, start, length in zip(laid.piece, laid.row, laid.start, laid.length, strict=True):
        at, size = row * sequence_tokens + start, length - 1  # the first place holds BOS
        positions[at : at + length] = np.arange(length)
        labels[at : at + size] = flat[at + 1 : at + length]
        document, first = packed.document[piece], packed.start[piece]
        item[at : at + size] = np.where(np.arange(first, first + size) >= context[document], document, -1)
    members: dict[str, list[int]] = {}
    for index, names in enumerate(items["targets"].to_pylist()):
        for name in names:
            members.setdefault(name, []).append(index)
    shape = ids.shape
    arrays = labels.reshape(shape), positions.reshape(shape), item.reshape(shape)
    sizes = items["size_bytes"].to_numpy()
    return Exam(ids, *arrays, sizes, {name: np.array(rows) for name, rows in sorted(members.items())})
