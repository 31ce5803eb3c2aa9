"""A proxy that is no small model from scratch but a given one trained on: a short run of continued pretraining.

The checkpoint is a folder as `transformers` saves it, with its tokenizer.json beside it; nothing is fetched. Documents
see themselves alone, by a mask made of positions, so what is learned of a mixture is the same as in the target run.
Needs the extra `train`. Not here: training (`proxy`).
"""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mixer.transformer import document_mask
from pipelines.engine.errors import InputError


class Continued(nn.Module):  # type: ignore[misc]
    """A causal language model of `transformers`, called as the small one is: ids and positions (n, S) to logits."""

    def __init__(self, folder: Path) -> None:
        """Load the checkpoint in float32. Raises InputError when it is none."""
        super().__init__()
        try:
            from transformers import AutoModelForCausalLM
        except ImportError as error:
            raise InputError(f"proxy.base needs transformers ({error}); pip install -e '.[train]'") from error
        try:
            found = AutoModelForCausalLM.from_pretrained(
                folder, local_files_only=True, dtype="float32", attn_implementation="sdpa"
            )
        except (OSError, ValueError) as error:
            raise InputError(f"proxy.base: {folder} is no checkpoint of a causal language model: {error}") from error
        self.model: Any = found.train()

    def forward(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Return the logits of the token after each place."""
        mask = document_mask(positions)
        logits: Tensor = self.model(input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False).logits
        return logits
