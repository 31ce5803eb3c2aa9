"""The dataset card (README.md) of a release, and the files that go with it; none of them is ever written with a hole.

The metadata block is for machines, the rest for people: what a reader must know before training on the texts. Figures
come from verified files, words from the run file's section `card:`. Not here: writing the data files, and whether any
of it may leave (`pipelines.publish`).
"""

from collections.abc import Iterator
from typing import Any

from huggingface_hub import DatasetCardData

from pipelines.report.attribution import attribution_tsv, licences_md
from pipelines.report.card_facts import CardFacts, Layout, gather
from pipelines.report.card_holes import refuse_holes
from pipelines.report.card_metadata import LICENSES, metadata
from pipelines.report.card_words import sections
from pipelines.report.croissant import FILE as CROISSANT
from pipelines.report.croissant import croissant
from pipelines.result import Result

CARD = "README.md"
HERE = "release"
"""The repository that a snippet loads when none is named: the card's folder, seen from the run folder."""


def card(facts: CardFacts, repo: str = HERE) -> str:
    """Return the card. Raises ConfigError naming every hole, or what of the metadata the hub would refuse."""
    refuse_holes(facts)
    front: dict[str, Any] = metadata(facts)
    block = DatasetCardData(**front).to_yaml(line_break="\n")
    return "\n".join(["---", block, "---", "", *sections(facts, repo)])


def card_files(
    result: Result, layout: Layout, *, repo: str = HERE, previous: Result | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of all that stands beside the data: card, licences, attribution, checksums, Croissant.

    Raises ConfigError when the card has a hole or, last, when the extra `publish` is not installed; CorruptionError
    when a file of the run is damaged.
    """
    facts = gather(result, layout, previous)
    yield CARD, card(facts, repo).encode()
    yield LICENSES, licences_md(dict(facts.whole.terms)).encode()
    yield "ATTRIBUTION.tsv", attribution_tsv(result)
    sums = sorted((file.path, file.sha256) for file in layout.files)
    yield "SHA256SUMS", "".join(f"{sha256}  {path}\n" for path, sha256 in sums).encode()
    yield CROISSANT, croissant(facts)
