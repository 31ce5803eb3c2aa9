"""Count anew, from the shards and the lists of rejected records alone, every table that a card shows.

Written apart from `pipelines.report`: it reads files with pyarrow and knows only where the index says they are. Cells
are those of the card, as text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.result import Result

Table = list[list[str]]
AXES = ("disease", "population", "care", "country", "region", "income")
OUTCOMES = ("dropped", "quarantined")
ELSEWHERE = {"duplicate", "near_duplicate", "abstract_of", "superseded", "reference_only", "held_out", "not_sampled"}


def tables_of(text: str) -> dict[str, Table]:
    """Return the tables of a card by their headers, rows of cells; tables of one header are joined."""
    found: dict[str, Table] = {}
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if re.fullmatch(r"\|(---\|)+", line):
            rows = found.setdefault(lines[at - 1].strip("| "), [])
            for row in lines[at + 1 :]:
                if not row.startswith("|"):
                    break
                rows.append([c.strip().replace("\\|", "|") for c in re.split(r"(?<!\\)\|", row.strip())[1:-1]])
    return found


def number(value: int) -> str:
    return f"{value:,}"


class Recount:
    """The figures of one run, counted from its files."""

    def __init__(self, result: Result, root: Path) -> None:
        self.result, self.root = result, root
        self.rejected = [
            {**row, "stage": stage}
            for stage, manifest in result.manifests.items()
            for ref in manifest.files("rejects")
            for row in pq.read_table(root / ref.path).to_pylist()
        ]
        self.kept = [row for stage in result.documents for row in self.rows(stage)]

    def rows(self, stage: str, role: str = "main") -> Iterator[dict[str, Any]]:
        for ref in self.result.manifests[stage].files(role):
            yield from pq.read_table(self.root / ref.path).to_pylist()

    def words(self, row: dict[str, Any]) -> int:
        text = row["text"]
        if not text.strip():
            text = "\n\n".join(message["content"] for message in row["messages"] or [])
        return len(text.split())

    def losses(self) -> set[tuple[str, ...]]:
        counts = Counter((r["stage"], r["source"], r["outcome"], r["reason"]) for r in self.rejected)
        return {(f"`{s}`", f"`{source}`", o, why, number(n)) for (s, source, o, why), n in counts.items()}

    def extracted(self) -> dict[str, tuple[str, ...]]:
        """Return in, kept, dropped and quarantined of each extraction."""
        found = {}
        for stage, manifest in self.result.manifests.items():
            if stage.startswith("extract-"):
                kept = sum(pq.read_metadata(self.root / ref.path).num_rows for ref in manifest.files())
                lost = [sum((r["stage"], r["outcome"]) == (stage, o) for r in self.rejected) for o in OUTCOMES]
                found[f"`{stage}`"] = tuple(map(number, (kept + sum(lost), kept, *lost)))
        return found

    def sources(self, targets: list[str]) -> dict[str, tuple[str, ...]]:
        """Return documents, words and tokens of each target by source, and of all."""
        tokens = {target: self.target_tokens(target) for target in targets}
        found = {}
        for tag in [
            s["name"] for s in self.result.config["sources"] if f"extract-{s['name']}" in self.result.manifests
        ]:
            mine = [row for row in self.kept if row["source"] == tag]
            found[f"`{tag}`"] = [len(mine), sum(map(self.words, mine)), *(tokens[t][tag] for t in targets)]
        found[""] = [sum(counts) for counts in zip(*found.values(), strict=True)]
        return {tag: tuple(map(number, counts)) for tag, counts in found.items()}

    def target_tokens(self, target: str) -> Counter[str]:
        counts: Counter[str] = Counter()
        for ref in self.result.manifests[f"tokenize-{target}"].files():
            for row in pa.ipc.open_stream(self.root / ref.path).read_all().select(["source", "ids"]).to_pylist():
                counts[row["source"]] += len(row["ids"])
        return counts

    def components(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return realised share, sequences, trained tokens, padding, epochs and documents of each component."""
        manifest = self.result.mixture_manifest(name, "shards")
        sequences, padding, tokens, inside = Counter[int](), Counter[int](), Counter[int](), defaultdict(set)
        first = 0
        for ref, lineage in zip(manifest.files(), manifest.files("lineage"), strict=True):
            table = pa.ipc.open_stream(self.root / ref.path).read_all()
            component = table["source_id"].to_pylist()
            for at, empty, ids in zip(component, table["pad_len"].to_pylist(), table["input_ids"], strict=True):
                sequences[at] += 1
                padding[at] += empty
                tokens[at] += len(ids) - empty
            for row in pq.read_table(self.root / lineage.path, columns=["sequence", "document"]).to_pylist():
                inside[component[row["sequence"] - first]].add(row["document"])
            first += table.num_rows
        plan = self.result.mixture_manifest(name, "mixture").shards[0]
        names = [component["name"] for component in plan.facts["components"]]
        found = {}
        for at, component_name in enumerate(names):
            pieces = pq.read_table(self.root / plan.files[f"pieces.{component_name}"].path)
            unique = len(set(pieces["sequence"].to_pylist()))
            epochs = Fraction(sequences[at], unique) if unique else Fraction(0)
            whole = padding[at] + tokens[at]
            found[component_name] = (
                f"{sequences[at] / sequences.total():.1%}",
                number(sequences[at]),
                number(tokens[at]),
                f"{padding[at] / whole:.1%}" if whole else "-",
                f"{epochs} = {float(epochs):.2f}",
                number(len(set(pieces["row"].to_pylist()))),
            )
        return found

    def trained(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return documents, tokens once, trained tokens and share by source."""
        inside, tokens = defaultdict(set), Counter[str]()
        for row in self.rows(f"shards-{name}", "lineage"):
            inside[row["source"]].add(row["document"])
            tokens[row["source"]] += row["length"]
        target = self.result.mixture_manifest(name, "mixture").shards[0].facts["target"]
        once = self.target_tokens(target)
        return {
            f"`{tag}`": (number(len(inside[tag])), number(once[tag]), number(count), f"{count / tokens.total():.1%}")
            for tag, count in tokens.items()
        }

    def weighed(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return what a mixture's shares ask of each slice, what is trained of it, and its trained tokens."""
        kept = {row["id"] for row in self.kept}
        about = {row["id"]: [f"{axis}:{one}" for axis in AXES for one in row[axis] or []]
                 for row in self.rows("coverage") if row["id"] in kept}  # fmt: skip
        plan = self.result.mixture_manifest(name, "mixture").shards[0]
        documents = [
            document
            for ref in self.result.manifests[f"tokenize-{plan.facts['target']}"].files()
            for document in pa.ipc.open_stream(self.root / ref.path).read_all()["document"].to_pylist()
        ]
        asked: defaultdict[str, float] = defaultdict(float)
        for component in plan.facts["components"]:
            pieces = pq.read_table(self.root / plan.files[f"pieces.{component['name']}"].path).to_pylist()
            whole = sum(piece["tokens"] for piece in pieces)
            for piece in pieces:
                for one in about[documents[piece["row"]]]:
                    asked[one] += float(Fraction(component["requested"])) * piece["tokens"] / whole
        trained, all_tokens = Counter[str](), 0
        for row in self.rows(f"shards-{name}", "lineage"):
            all_tokens += row["length"]
            for one in about[row["document"]]:
                trained[one] += row["length"]
        return {
            one: (f"{asked[one]:.1%}", f"{trained[one] / all_tokens:.1%}", number(trained[one]))
            for one in {*asked, *trained}
        }

    def coverage(self, axis: str) -> dict[str, tuple[str, ...]]:
        """Return found, kept, rate and tokens kept of each slice of an axis."""
        order = list(self.result.manifests)
        later = set(order[order.index("coverage") :])
        elsewhere = {(r["source"], r["key"]) for r in self.rejected if r["stage"] in later and r["reason"] in ELSEWHERE}
        kept = {(row["source"], row["key"]) for row in self.kept}
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in self.rows("coverage"):
            name = (row["source"], row["key"])
            for one in row[axis] or []:
                counts[one][0] += name not in elsewhere
                counts[one][1] += name in kept
                counts[one][2] += row["tokens"] if name in kept else 0
        told = {}
        for one, (found, still, tokens) in counts.items():
            told[one] = (number(found), number(still), f"{still / found if found else 1:.0%}", number(tokens))
        return told

    def counted(self, column: str, width: int | None = None) -> dict[str, str]:
        values = [(row[column] or "")[:width] or "unknown" for row in self.kept]
        return {value: number(count) for value, count in Counter(values).items()}

    def teachers(self) -> list[tuple[str, ...]]:
        """Return source, teacher, documents, and what was kept of the records of the source."""
        names = ("model", "revision", "prompt")
        counts = Counter(
            (row["source"], *(row["teacher"][name] or "unknown" for name in names))
            for row in self.kept
            if row["teacher"]
        )
        told = []
        for (source, *teacher), count in counts.items():
            whole = int(self.extracted()[f"`extract-{source}`"][0].replace(",", ""))
            share = sum(row["source"] == source for row in self.kept) / whole
            named = [f"`{part}`" for part in (source, *teacher)]
            told.append((*named, number(count), f"{share:.1%} of {whole:,}"))
        return sorted(told)

    def contamination(self) -> set[tuple[str, ...]]:
        """Return one row for each benchmark that is a source of the run; what was cut or dropped is looked up again."""
        if "contamination_report" not in self.result.manifests:
            return set()
        items = Counter(row["source"] for row in self.rows("decontaminate_items") if row["parts"])
        found = defaultdict(list)
        for row in self.rows("contamination_report", "findings"):
            found[row["benchmark"]].append(row)
        lost = {row["id"] for row in self.rejected if row["reason"] == "contaminated"}
        kept = {row["id"] for row in self.kept}
        told = set()
        for name, count in items.items():
            documents = {row["id"] for row in found[name]}
            hit, many = len({row["item"] for row in found[name]}), len(found[name])
            score = f"{sum(row['score'] for row in found[name]) / many:.2f}" if many else "-"
            sizes = (count, hit, many, len(documents), len(documents & lost), len(documents & kept))
            told.add((name, *map(number, sizes), score))
        return told

    def licences(self) -> dict[str, str]:
        return {f"`{spdx}`": number(n) for spdx, n in Counter(row["rights"]["spdx"] for row in self.kept).items()}

    def files(self, release: Path) -> dict[str, tuple[str, ...]]:
        found = {}
        for folder in sorted((release / "data").iterdir()):
            parts = sorted(folder.glob("train-*.parquet"))
            rows = sum(pq.read_table(part).num_rows for part in parts)
            found[f"`{folder.name}`"] = (number(len(parts)), number(rows), number(sum(p.stat().st_size for p in parts)))
        return found
