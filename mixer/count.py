"""Count the tokens that documents have for a target, where that matters before anything is tokenised: for a sample.

The counts are the lengths of the very ids that `mixer.tokenized` would write, without marks. The target of the demo has
no tokenizer yet when documents are sampled, so it cannot count. Not here: what a sample asks for.
"""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import tokenizers

from mixer.target import Target, find_target
from mixer.tokenize import tokenize_documents
from mixer.tokenized import loaded
from pipelines.engine.errors import InputError


class TargetTokens:
    """The lengths of documents in tokens of a target."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def identity(self) -> dict[str, Any]:
        """Return the target's identity and the tokenizer library's version."""
        return {"target": self._target.identity(), "tokenizers": tokenizers.__version__}

    def __call__(self, table: pa.Table) -> pa.Array:
        """Return the tokens of each document of a table, int64."""
        tokenizer, encode, _ = loaded(self._target)
        ids = tokenize_documents(table, tokenizer, self._target, encode)["ids"]
        return pc.list_value_length(ids).combine_chunks()


def tokens_of(name: str, tokenizer: str | None) -> TargetTokens:
    """Return the count of a target, whose tokenizer file is where it says or at the path given.

    Raises ConfigError, InputError.
    """
    path = Path(os.path.expandvars(tokenizer)) if tokenizer else None
    target = find_target(name, path)
    if not target.tokenizer_is_there():
        raise InputError(
            f"sample: there is no tokenizer file for the target {name} at {target.tokenizer}; give its path as "
            "`tokenizer:`, or leave `target` out to sample by estimated tokens"
        )
    return TargetTokens(target)
