"""What a card still lacks: each unknown field by its name, what to add and where. A card with a hole is never written.

The hub's template prints "More Information Needed" for what nobody filled in; here that is an error, as a reader cannot
tell what was forgotten from what does not exist. Words that only hold a place count as missing. Not here: whether a
document may leave (`pipelines.publish`).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipelines.engine.errors import ConfigError
from pipelines.report.card_facts import CardFacts
from pipelines.report.card_section import CardConfig, SourceNote

OPTIONAL = frozenset({"homepage", "sources"})
_PLACEHOLDER = re.compile(
    r"more information needed|\b(todo|tbd|tba|fixme|xxx+|lorem ipsum|to be (added|done|written))\b|^\W*$|[@/.]your[-.]",
    re.IGNORECASE,
)


class Hole(NamedTuple):
    """A field that is not known, and what a person must say there."""

    field: str
    wanted: str

    def __str__(self) -> str:
        return f"{self.field}: missing; add {self.wanted}"


def card_holes(facts: CardFacts) -> list[Hole]:
    """Return every hole of the card, in the order of the run file; empty when the card is whole."""
    return [*_said(facts), *_of_sources(facts)]


def refuse_holes(facts: CardFacts) -> None:
    """Raise ConfigError that names every hole and says where to fill it."""
    holes = card_holes(facts)
    if holes:
        raise ConfigError(
            "\n".join(
                [
                    f"the card of {facts.result.name} has {len(holes)} holes; fill them in the run file's section "
                    "`card:` and run it again (no stage runs anew):",
                    *(f"  {hole}" for hole in holes),
                ]
            )
        )


def is_missing(value: str) -> bool:
    """Say whether a field says nothing: empty, or words that only hold its place."""
    return _PLACEHOLDER.search(value) is not None or not value


def _said(facts: CardFacts) -> Iterator[Hole]:
    for name, field in CardConfig.model_fields.items():
        if name not in OPTIONAL and is_missing(str(facts.said.get(name, ""))):
            yield Hole(f"card.{name}", str(field.description))


def _of_sources(facts: CardFacts) -> Iterator[Hole]:
    for source in facts.sources:
        for name, field in SourceNote.model_fields.items():
            if is_missing(getattr(source, name)):
                yield Hole(f"card.sources.{source.tag}.{name}", str(field.description))
