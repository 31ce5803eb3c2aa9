"""Score texts from low to high, for thresholds that the run file sets: three rules, and whatever models are trained.

`medical_density` are the names of diseases, signs, organs and drugs (the lists of `coverage`) in a hundred words;
`information_density` is the size of the text packed by zlib over its size, which falls with repetition; `whole_page` is
0 for a short page that shows a login wall, an error or a question about cookies in place of a document, else 1. Models
(`medmix train-scores`) add scores of their own, such as `medically_informative` or `educational`. Scores are findings;
`consolidate` drops below `min_scores`, and `medmix thresholds` shows what that would keep of each source and slice.
"""

import math
import zlib
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
from pydantic import Field, field_validator

from pipelines.engine.settings import SPEED, Settings
from pipelines.engine.stage import Batch
from pipelines.stages.content import contents
from pipelines.stages.scores_model import Model, buckets, load_model, score
from pipelines.stages.vocabulary import load_vocabulary

NAME = "scores"
RULES = ("medical_density", "information_density", "whole_page")
SCHEMA = pa.schema(
    [pa.field("id", pa.string(), nullable=False), pa.field("scores", pa.map_(pa.string(), pa.float32()))]
)
LOOKED_AT_CHARS = 20_000
"""Beginning of a text that rules look at."""
TEMPLATE_WORDS = 120
"""A page of more words is a document, whatever else it says."""


class ScoresConfig(Settings):
    """Which models score, by the name of their score."""

    models: Annotated[dict[str, str], SPEED] = Field(default_factory=dict)
    """Files of models, paths from where the run is started; their digests decide bytes, not their places."""

    @field_validator("models")
    @classmethod
    def _named_anew(cls, models: dict[str, str]) -> dict[str, str]:
        for name in models:
            if name in RULES:
                raise ValueError(f"{name!r} is the name of a rule; give the model's score another one")
        return models


class Scores:
    """The stage: a map of scores for each document; a score that cannot be given is left out."""

    name = NAME
    version = "2"
    reasons: frozenset[str] = frozenset()
    writes = "attributes"

    def __init__(self, config: ScoresConfig) -> None:
        """Read the models. Raises InputError for a file that is none."""
        self.config = config
        self._models: dict[str, Model] = {name: load_model(Path(path)) for name, path in config.models.items()}

    def identity(self) -> dict[str, Any]:
        """Return the digests of models and word lists."""
        words = {name: load_vocabulary(name).sha256 for name in ("diseases", "templates")}
        return {"models": {name: model.sha256 for name, model in sorted(self._models.items())}, "words": words}

    def apply(self, table: pa.Table) -> Batch:
        """Return `SCHEMA`, one row a document."""
        texts = contents(table)
        rows = [_by_rules(text) for text in texts]
        if self._models:
            found, ends = buckets(pa.array(texts, pa.large_string()))
            for name, model in self._models.items():
                for row, value in zip(rows, score(model, found, ends).tolist(), strict=True):
                    if not math.isnan(value):
                        row[name] = value
        listed = [sorted(row.items()) for row in rows]
        return Batch(
            pa.table({"id": table["id"], "scores": pa.array(listed, SCHEMA.field("scores").type)}, schema=SCHEMA)
        )


def _by_rules(text: str) -> dict[str, float]:
    """Return the scores that rules give; none for a text without words."""
    beginning = text[:LOOKED_AT_CHARS]
    words, raw = len(beginning.split()), beginning.encode()
    if not words:
        return {}
    named = load_vocabulary("diseases").matcher.count(beginning).total()
    return {
        "medical_density": 100 * named / words,
        "information_density": min(1.0, len(zlib.compress(raw, 6)) / len(raw)),
        "whole_page": float(not is_template(text)),
    }


def is_template(text: str) -> bool:
    """Say whether a page shows a wall, an error or a question about cookies in place of a document."""
    if len(text) > 12 * TEMPLATE_WORDS or len(text.split()) > TEMPLATE_WORDS:
        return False
    return bool(load_vocabulary("templates").matcher.count(text))
