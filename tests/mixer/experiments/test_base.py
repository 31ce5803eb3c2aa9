"""Continued pretraining of a given checkpoint: a tiny random Llama goes through the same sweep as small models do."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from fakes.experiments import FixedDesign, config, documents, given
from fakes.runs import run_inline

from mixer.experiments.settings import ExperimentConfig
from mixer.experiments.stages import prepared, sweep
from mixer.experiments.sweep import collect
from mixer.target import train_bpe
from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage
from pipelines.engine.errors import InputError

pytest.importorskip("torch", reason="PyTorch is not installed: pip install -e '.[train]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install -e '.[train]'")
pytestmark = pytest.mark.filterwarnings("ignore")
FIXED = PlannedStage(FixedDesign(((0.9, 0.05, 0.05), (0.05, 0.9, 0.05))))
TARGET = """name: tiny-llama
tokenizer: null
bos_id: 0
eos_id: 1
pad_id: 2
bos: true
continuation_bos: true
context_tokens: 64
vocabulary: 300
"""


def checkpoint(folder: Path) -> dict[str, Any]:
    """Write a Llama of random weights with a tokenizer, and return the settings of a proxy that continues it."""
    import torch

    torch.manual_seed(0)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    llama = transformers.LlamaConfig(vocab_size=300, max_position_embeddings=64, **size)
    transformers.LlamaForCausalLM(llama).save_pretrained(folder)
    texts = [one.text for name in ("guidelines", "articles", "replay") for one in documents(name, 8)]
    (folder / "tokenizer.json").write_bytes(train_bpe(iter(texts), 300))
    (folder / "target.yaml").write_text(TARGET)
    return {"base": str(folder), "target": str(folder / "target.yaml"), "learning_rate": 0.01}


def test_a_checkpoint_is_trained_on_and_a_document_sees_itself_alone(tmp_path: Path) -> None:
    own = config(proxy=checkpoint(tmp_path / "base"))
    stages = [*prepared(own, given(tmp_path / "in")), FIXED, sweep("sweep", own, "design")]
    first, again = LocalDisk(tmp_path / "a"), LocalDisk(tmp_path / "b")
    found = []
    for disk in (first, again):
        manifest = run_inline(disk, stages)["sweep"]
        found.append(collect([pq.read_table(disk.root / ref.path) for ref in manifest.files()], ""))
    assert np.array_equal(found[0].metrics, found[1].metrics)
    guidelines, articles = (found[0].column(f"held-out/{name}") for name in ("guidelines", "articles"))
    assert guidelines[0] < guidelines[1]
    assert articles[1] < articles[0]
    assert isolated(own)


def isolated(own: ExperimentConfig) -> bool:
    """Say whether a token of one document moves no logit of the next."""
    import torch

    from mixer.experiments.base import Continued

    model = Continued(Path(str(own.proxy.base)))
    ids, positions = torch.tensor([[5, 6, 7, 8, 9, 10]]), torch.tensor([[0, 1, 2, 0, 1, 2]])
    changed = ids.clone()
    changed[0, 1] = 40
    with torch.no_grad():
        moved = (model(ids, positions) - model(changed, positions)).abs().amax(-1)[0] > 1e-6
    return bool(moved.tolist() == [False, True, True, False, False, False])


def test_a_folder_without_weights_is_told(tmp_path: Path) -> None:
    proxy = checkpoint(tmp_path / "base")
    (tmp_path / "base" / "model.safetensors").unlink()
    own = config(proxy=proxy)
    with pytest.raises(InputError, match=r"no \*\.safetensors"):
        run_inline(
            LocalDisk(tmp_path / "a"), [*prepared(own, given(tmp_path / "in")), FIXED, sweep("sweep", own, "design")]
        )


@pytest.mark.parametrize("part", ["base", "target"])
def test_a_base_and_its_target_go_together(part: str) -> None:
    with pytest.raises(ValueError, match="go together"):
        config(proxy={part: "somewhere"})
