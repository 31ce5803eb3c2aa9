"""The same sequences through MosaicML streaming and litdata, for the race of `feed`, in the environment `training`.

Run as `python tests/bench/feed_peers.py PEER FOLDER SEQUENCES SIZE BATCH ROUNDS`; prints JSON, the tokens a CPU second
of each round in order and in any order. Ids lie as uint32 in `FOLDER/flat.bin`; each library writes them to local files
of its own first, which is not counted. A batch is what a trainer takes, int64 (B, S), made of B samples that stand one
after the other, by the data set alone: no DataLoader, no workers, no shuffling of its own, files in the page cache.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

Read = Callable[[int], object]


def streaming(flat: np.memmap, folder: Path, batch: int) -> Read:
    """Write MDS shards of one array a sample, and read them as StreamingDataset does."""
    from streaming import MDSWriter, StreamingDataset

    with MDSWriter(out=str(folder / "mds"), columns={"ids": f"ndarray:uint32:{flat.shape[1]}"}) as out:
        for row in flat:
            out.write({"ids": np.array(row)})
    rows = StreamingDataset(local=str(folder / "mds"), batch_size=batch, shuffle=False)
    return lambda start: np.stack([rows[start + i]["ids"] for i in range(batch)]).astype(np.int64)


def litdata(flat: np.memmap, folder: Path, batch: int) -> Read:
    """Write chunks of tokens, and read blocks of one sequence as TokensLoader does."""
    import torch
    from litdata import StreamingDataset, TokensLoader
    from litdata.streaming.cache import Cache

    size = flat.shape[1]
    place = folder / "litdata"
    cache = Cache(str(place), chunk_size=size * 1024, item_loader=TokensLoader(size))
    for number, row in enumerate(flat):
        cache[number] = torch.from_numpy(row.astype(np.int32))
    cache.done()
    cache.merge()
    rows = StreamingDataset(str(place), item_loader=TokensLoader(size), shuffle=False)
    return lambda start: torch.stack([rows[start + i] for i in range(batch)]).long()


def main() -> None:
    """Run one peer."""
    peer, folder, (sequences, size, batch, rounds) = sys.argv[1], Path(sys.argv[2]), map(int, sys.argv[3:])
    flat = np.memmap(folder / "flat.bin", np.uint32, "r").reshape(sequences, size)
    read = {"streaming": streaming, "litdata": litdata}[peer](flat, folder, batch)
    starts = list(range(0, sequences - batch - 1, batch))
    told = {}
    for title, order in (("in order", starts), ("in any order", np.random.default_rng(0).permutation(starts).tolist())):
        rates = []
        for _ in range(rounds):
            begun = time.process_time()
            for start in order:
                made = read(start)
            rates.append(len(order) * batch * size / (time.process_time() - begun))
        assert np.array_equal(np.asarray(made), flat[order[-1] : order[-1] + batch])
        told[title] = rates
    print(json.dumps(told))


if __name__ == "__main__":
    main()
