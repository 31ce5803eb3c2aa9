"""All files of a release of a run: data, lineage, tokenizers, and what describes them.

Data and what stands beside it lie below `release/` of the run folder; lineage, tokenizers and (on request) the Arrow
folders that `load_from_disk` opens are the run's own files under the names of the repository. Not here: whether any of
it may leave (`gate`), and how it does (`send`).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipelines.engine.errors import ConfigError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.hub_upload import Sent
from pipelines.engine.stage import FileRef
from pipelines.publish.beside import write_beside
from pipelines.publish.layout import SPLIT, layout
from pipelines.publish.parts import HOME, write_parts
from pipelines.report.card import CARD
from pipelines.result import Result

PROMPT = "The texts are under the licences that LICENSES.md lists. Research only, not for clinical use."
AGREED = "I have read the licences and the card, and will use the texts accordingly"
_NUMBERED = re.compile(r"data-(\d{5}-of-\d{5})\.lineage-([0-9a-f]{16})\.parquet")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asks of a release: its repository, Arrow folders too, readers who must say who they are."""

    repo: str
    arrow: bool = False
    ask: tuple[str, ...] = ()
    """What readers are asked for before they get access, such as affiliation and purpose; empty for no gate."""
    previous: Result | None = None


def release_files(result: Result, folder: Path, wanted: Wanted) -> list[Sent]:
    """Return every file of a release, written if need be, data first. Raises ConfigError for a hole in the card."""
    written = write_parts(result, layout(result))
    beside = list(write_beside(result, repo=wanted.repo, previous=wanted.previous))
    if wanted.ask:
        path = f"{HOME}/{CARD}"
        told = gated_card((folder / path).read_text(encoding="utf-8"), wanted.ask)
        result.storage.replace_file(path, told.encode())
    parts = [Sent(part.path, folder / part.ref.path, part.ref.sha256) for parts in written.values() for part in parts]
    others = [Sent(path, folder / ref.path, ref.sha256) for path, ref in _of_mixtures(result, arrow=wanted.arrow)]
    told_by = [_beside(folder, path) for path in beside]
    return [*parts, *others, *told_by]


def tag_of(result: Result) -> str:
    """Return the tag of a release: the version that the card tells. Raises ConfigError when there is none."""
    version = str(result.described.get("card", {}).get("version", ""))
    if not version:
        raise ConfigError("card.version: missing; give the version of this release, e.g. 1.0.0, which becomes its tag")
    return f"v{version.removeprefix('v')}"


def gated_card(card: str, fields: Iterable[str]) -> str:
    """Return a card whose metadata ask readers for what `fields` name, as the hub's `extra_gated_*`."""
    from huggingface_hub import DatasetCard

    made = DatasetCard(card)
    made.data["extra_gated_prompt"] = PROMPT
    made.data["extra_gated_fields"] = dict.fromkeys(fields, "text") | {AGREED: "checkbox"}
    return str(made)


def _of_mixtures(result: Result, *, arrow: bool) -> Iterator[tuple[str, FileRef]]:
    """Yield the paths and files of the mixtures but for their rows: lineage, tokenizer, facts, Arrow where wanted."""
    for name in result.mixtures:
        shards = result.mixture_manifest(name, "shards")
        for ref in shards.files("lineage"):
            yield f"lineage/{name}/{_lineage_name(ref)}", ref
        described = result.mixture_manifest(name, "publish").shards[0].files
        for role in ("mixture", "tokenizer"):
            yield f"mixtures/{name}/{_name(described[role])}", described[role]
        if arrow:
            for ref in (*shards.files(), *described.values()):
                yield f"arrow/{name}/{_name(ref)}", ref


def _lineage_name(ref: FileRef) -> str:
    found = _NUMBERED.fullmatch(_name(ref))
    return f"{SPLIT}-{found[1]}-{found[2]}.parquet" if found else _name(ref)


def _name(ref: FileRef) -> str:
    return PurePosixPath(ref.path).name


def _beside(folder: Path, path: str) -> Sent:
    return Sent(path.removeprefix(f"{HOME}/"), folder / path, sha256_bytes((folder / path).read_bytes()))
