"""A mixture in a store gives the batches of one on disk, through a cache that stays within its bound."""

import contextlib
import http.server
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fakes.mixtures import ToyMixture
from fsspec.implementations.memory import MemoryFileSystem

from mixer.feed import Feed
from mixer.remote import open_remote
from mixer.stored import StoredRows
from pipelines.engine.errors import CorruptionError, InputError

URL = "memory://mixtures/toy"


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> ToyMixture:
    return ToyMixture(tmp_path_factory.mktemp("toy"), rows_per_shard=300)


@pytest.fixture
def store(toy: ToyMixture) -> Iterator[MemoryFileSystem]:
    store = MemoryFileSystem()
    for path in toy.folder.iterdir():
        store.pipe(f"/mixtures/toy/{path.name}", path.read_bytes())
    yield store
    store.rm("/mixtures", recursive=True)


def bound(toy: ToyMixture) -> int:
    """Room for two shards and a half."""
    return 5 * max(int(file["size_bytes"]) for file in StoredRows(toy.folder).facts["files"]) // 2


def held_bytes(cache: Path) -> int:
    """Return the bytes of the shards in a cache, whose thread may remove one meanwhile."""
    sizes = [0]
    for path in cache.rglob("*.arrow"):
        with contextlib.suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return sum(sizes)


def same_batches(one: StoredRows, two: StoredRows, size: int) -> bool:
    pairs = zip(Feed(one, size), Feed(two, size), strict=True)
    return all(np.array_equal(a.input_ids, b.input_ids) and np.array_equal(a.labels, b.labels) for a, b in pairs)


def test_batches_are_those_of_the_folder_and_the_cache_stays_small(
    toy: ToyMixture, store: MemoryFileSystem, tmp_path: Path
) -> None:
    local = StoredRows(toy.folder)
    rows = open_remote(URL, tmp_path, bound(toy))
    assert len(local.facts["files"]) > 4
    assert rows.plan == local.plan
    most, feed = 0, Feed(rows, 40)
    for batch, expected in zip(feed, Feed(local, 40), strict=True):
        assert np.array_equal(batch.input_ids, expected.input_ids)
        most = max(most, held_bytes(tmp_path))
    assert 0 < most <= bound(toy)
    shuffled = np.random.default_rng(1).integers(0, local.sequences - 40, 30).tolist()
    assert all(np.array_equal(feed[row].labels, Feed(local, 40)[row].labels) for row in shuffled)
    assert same_batches(pickle.loads(pickle.dumps(rows)), local, 64)


def test_a_shard_that_is_another_one_is_told_before_a_byte_is_used(
    toy: ToyMixture, store: MemoryFileSystem, tmp_path: Path
) -> None:
    name = StoredRows(toy.folder).facts["files"][0]["name"]
    raw = bytearray(store.cat(f"/mixtures/toy/{name}"))
    raw[len(raw) // 2] ^= 1
    store.pipe(f"/mixtures/toy/{name}", bytes(raw))
    with pytest.raises(CorruptionError, match=f"{name}: is not the shard"):
        open_remote(URL, tmp_path, bound(toy)).block(0, 1)
    store.rm(f"/mixtures/toy/{name}")
    with pytest.raises(InputError, match=f"{name}: cannot be fetched"):
        open_remote(URL, tmp_path, bound(toy)).block(0, 1)
    assert not list(tmp_path.rglob("part-*"))


def test_what_is_no_mixture_or_has_no_room_is_told(toy: ToyMixture, store: MemoryFileSystem, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/mixture\.json: cannot be fetched"):
        open_remote("memory://nowhere", tmp_path, bound(toy))
    with pytest.raises(InputError, match="no room for two shards"):
        open_remote(URL, tmp_path, 1000)


def test_any_url_that_fsspec_reads_will_do(toy: ToyMixture, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="fsspec reads http through aiohttp")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(toy.folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        assert same_batches(open_remote(url, tmp_path, bound(toy)), StoredRows(toy.folder), 64)
        server.shutdown()
