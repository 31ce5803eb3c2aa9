"""Draw what to fetch of a corpus that is far larger than what is wanted: row groups, by the run's seed.

Files are taken in an order drawn by the seed, and the footers of the first `FOOTERS` are read (more, while they hold
less than is wanted): some hundred kilobytes each, of files of gigabytes. Of all row groups seen, those drawn first are
taken until their text is enough. A file without row groups is drawn as a whole. It is a sample by clusters, for a
`sample` stage to draw documents from; the tokens are estimates (bytes of text over four), and somewhat more is brought
than asked. Not here: fetching.
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pipelines.engine.hashing import derive_seed
from pipelines.engine.hub import HubFile
from sources.files import PARQUET
from sources.parquet_groups import Footer
from sources.parse.parquet_window import Window

FOOTERS = 256
AT_ONCE = 8
BYTES_A_TOKEN = 4
PACKED_RATIO = 2
"""Bytes of text for a byte of a compressed file, at the least: with less it would bring too little."""
ReadFooter = Callable[[HubFile], Footer | None]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A file to be fetched: whole, or one row group of it."""

    file: HubFile
    window: Window | None = None


def draw(
    files: list[HubFile], tokens: int, seed: int, read_footer: ReadFooter, columns: Collection[str] = ()
) -> list[Drawn]:
    """Return what to fetch, by path and row group, for about `tokens` estimated tokens; all of it when that is less.

    `columns` are those that hold the text; the others are brought, and do not count.
    """
    wanted_bytes = tokens * BYTES_A_TOKEN
    seen: list[tuple[Drawn, int]] = []
    left = sorted(files, key=lambda file: derive_seed("files", seed, file.path))
    while left and (not seen or sum(text_bytes for _, text_bytes in seen) < wanted_bytes):
        now, left = left[:FOOTERS], left[FOOTERS:]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for parts in pool.map(lambda file: _parts(file, read_footer, columns), now):
                seen += parts
    chosen: list[Drawn] = []
    held_bytes = 0
    for one, text_bytes in sorted(seen, key=lambda pair: _order(seed, pair[0])):
        if held_bytes >= wanted_bytes:
            break
        chosen.append(one)
        held_bytes += text_bytes
    return sorted(chosen, key=lambda one: (one.file.path, one.window.group if one.window else -1))


def _order(seed: int, drawn: Drawn) -> int:
    return derive_seed("row groups", seed, drawn.file.path, drawn.window.group if drawn.window else -1)


def _parts(file: HubFile, read_footer: ReadFooter, columns: Collection[str]) -> list[tuple[Drawn, int]]:
    """Return what may be drawn of a file, and the bytes of text in each part."""
    footer = read_footer(file) if file.path.lower().endswith(PARQUET) else None
    if footer is not None:
        return [(Drawn(file, window), footer.size_of(window.group, columns)) for window in footer.windows]
    ratio = PACKED_RATIO if file.path.lower().endswith((".gz", ".zst", PARQUET)) else 1
    return [(Drawn(file), file.size_bytes * ratio)]
