"""Train a score from labelled passages: `medmix train-scores LABELS.jsonl --out MODEL`.

Each line has `text` and `label` (0 or 1). A fifth, chosen by a hash of the text, is held out, so that equal passages
never stand on both sides; on it the area under the ROC curve is measured and written into the model's card. Regularised
logistic regression of scikit-learn (extra `experiments`), deterministic. Not here: labelling. Labels must not come from
what the model sees (the words themselves, or another model's score), or the figure means nothing.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.engine.errors import ConfigError, InputError
from pipelines.stages.scores_model import BUCKET_BITS, Buckets, Ends, buckets, save_model

HELD_OUT = 5
"""One passage in so many is held out."""
FEWEST = 50
ENOUGH = 1000
"""From so many labelled passages on a model may be passed on."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What was trained: passages on both sides, and the area under the ROC curve of those held out."""

    trained: int
    held_out: int
    auc: float

    @property
    def warning(self) -> str:
        """Return why the model should not be passed on, "" when it may."""
        total = self.trained + self.held_out
        return f"{total:,} labelled passages are too few to pass the model on; {ENOUGH:,} are asked" * (total < ENOUGH)


def train(labels: Path, out: Path, strength: float = 1.0) -> Trained:
    """Train from a file of labels and write the model. Raises InputError for labels that cannot be used."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import roc_auc_score
    except ImportError as error:
        raise ConfigError("training scores needs scikit-learn: pip install -e '.[experiments]'") from error
    passages = read_labels(labels)
    texts, wanted = [text for text, _ in passages], np.array([label for _, label in passages])
    held_out = np.array([_draw(text) % HELD_OUT == 0 for text in texts])
    for name, side in (("held out", held_out), ("to train on", ~held_out)):
        if len(set(wanted[side].tolist())) < 2:
            raise InputError(f"{labels}: the passages {name} all have one label; bring more of the other")
    rows = matrix(*buckets(pa.array(texts, pa.large_string())))
    model = LogisticRegression(C=strength, max_iter=1000, solver="lbfgs").fit(rows[~held_out], wanted[~held_out])
    auc = float(roc_auc_score(wanted[held_out], model.decision_function(rows[held_out])))
    told = Trained(int((~held_out).sum()), int(held_out.sum()), auc)
    card: dict[str, Any] = {
        "labels_sha256": hashlib.sha256(labels.read_bytes()).hexdigest(),
        "trained": told.trained,
        "held_out": told.held_out,
        "positive": int(wanted.sum()),
        "auc": round(auc, 4),
        "strength": strength,
    }
    save_model(out, model.coef_[0].astype(np.float32), float(model.intercept_[0]), card)
    return told


def read_labels(path: Path) -> list[tuple[str, int]]:
    """Return (text, label) of each line. Raises InputError with the line that cannot be used."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"labels {path} cannot be read: {error}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, label = row["text"], row["label"]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}, line {number}: {error!r}; each line needs `text` and `label`") from error
        if not isinstance(text, str) or label not in (0, 1):
            raise InputError(f"{path}, line {number}: `text` must be a string and `label` 0 or 1, it is {label!r}")
        found.append((text, int(label)))
    if len(found) < FEWEST:
        raise InputError(f"{path}: {len(found)} labelled passages; at least {FEWEST} are needed")
    return found


def matrix(found: Buckets, ends: Ends) -> Any:
    """Return a sparse matrix (texts, buckets) whose product with weights is what `score` sums."""
    from scipy.sparse import csr_matrix

    starts = np.concatenate([[0], ends])
    sizes = np.diff(starts)
    values = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
    rows = csr_matrix((values, found, starts), shape=(len(ends), 1 << BUCKET_BITS))
    rows.sum_duplicates()
    return rows


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(text.split()).encode()).digest()[:8], "big")
