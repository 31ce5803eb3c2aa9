"""What a stranger does with a published repository: load it whole, in a stream that is resumed, and as Arrow folders.

Run in a process of its own, as the hub's address is read when the libraries are imported. Prints JSON.
"""

import json
import sys
from pathlib import Path

from datasets import load_dataset, load_from_disk
from huggingface_hub import snapshot_download

SEEN = 17


def main(repo: str, folder: str) -> None:
    """Load the config `mix` in all ways, and `documents`."""
    whole = load_dataset(repo, "mix", split="train", revision="v1.0.0")
    stream = load_dataset(repo, "mix", split="train", streaming=True)
    rows = iter(stream)
    first = [next(rows) for _ in range(SEEN)]
    state = json.loads(json.dumps(stream.state_dict()))
    resumed = load_dataset(repo, "mix", split="train", streaming=True)
    resumed.load_state_dict(state)
    local = snapshot_download(repo, repo_type="dataset", allow_patterns="arrow/mix/*", local_dir=folder)
    told = {
        "features": str(whole.features),
        "whole": whole.to_list(),
        "stream": first + list(resumed),
        "arrow": load_from_disk(Path(local) / "arrow/mix").to_list(),
        "documents": len(load_dataset(repo, "documents", split="train")),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
