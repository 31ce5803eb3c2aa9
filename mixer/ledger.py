"""The token ledger of one component: what came in, what packing added, what training sees, in integers.

In every mixture: tokens in + BOS + EOS = tokens in the packed sequences (nothing is dropped or truncated), and tokens
emitted + padding = sequences x sequence length. The epochs are an exact fraction. Checked when a mixture is planned
and again by whoever rereads its shards.
"""

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from mixer.pack import Ints, Packed
from pipelines.engine.errors import StageError


@dataclass(frozen=True, slots=True)
class TokenLedger:
    """Counts of one component; `unique_` counts each packed sequence once, `trained_` as often as it is taken."""

    documents: int
    tokens_in: int
    bos_added: int
    eos_added: int
    split_documents: int
    unique_sequences: int
    unique_tokens: int
    unique_padding: int
    sequences: int
    trained_tokens: int
    trained_padding: int
    sequence_tokens: int

    @classmethod
    def of(cls, packed: Packed, lengths: Ints, taken: Ints) -> "TokenLedger":
        """Count a packing of documents with `lengths`; `taken` is the packed sequence of each place it fills."""
        padding = packed.pad_tokens
        pieces = np.bincount(packed.document, minlength=len(lengths))
        trained_padding = int(padding[taken].sum())
        return cls(
            documents=len(lengths),
            tokens_in=int(lengths.sum()),
            bos_added=int(packed.bos.sum()),
            eos_added=int(packed.eos.sum()),
            split_documents=int((pieces > 1).sum()),
            unique_sequences=packed.sequences,
            unique_tokens=int(packed.lengths.sum()),
            unique_padding=int(padding.sum()),
            sequences=len(taken),
            trained_tokens=len(taken) * packed.sequence_tokens - trained_padding,
            trained_padding=trained_padding,
            sequence_tokens=packed.sequence_tokens,
        )

    @property
    def epochs(self) -> Fraction:
        """Return how often the component's sequences are seen, exactly."""
        return Fraction(self.sequences, self.unique_sequences) if self.unique_sequences else Fraction(0)

    def check(self, where: str) -> None:
        """Raise StageError unless the ledger adds up."""
        made = self.tokens_in + self.bos_added + self.eos_added
        room = self.unique_sequences * self.sequence_tokens
        if made != self.unique_tokens or self.unique_tokens + self.unique_padding != room:
            raise StageError(
                f"{where}: {self.tokens_in} tokens, {self.bos_added} BOS and {self.eos_added} EOS do not make the "
                f"{self.unique_tokens} tokens and {self.unique_padding} of padding in {self.unique_sequences} rows "
                f"of {self.sequence_tokens}; this is a defect of packing, please report it"
            )

    def to_json(self) -> dict[str, Any]:
        """Return the counts and the epochs as a fraction in text."""
        return {**asdict(self), "epochs": str(self.epochs)}
