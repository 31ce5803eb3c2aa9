"""What is drawn of a corpus depends on the seed and the files alone, holds what was asked, and asks for few footers."""

import random

import pytest

from pipelines.engine.hub import HubFile
from sources.parquet_groups import Footer
from sources.parse.parquet_window import Window
from sources.replay.draw import FOOTERS, Drawn, draw

GROUP_BYTES = 4_000


def corpus(files: int, suffix: str = "parquet") -> list[HubFile]:
    return [HubFile(f"data/{number:05d}.{suffix}", 100_000, "0" * 40, None) for number in range(files)]


def footer(groups: int) -> Footer:
    windows = tuple(Window(n, n * 10 + 1, 10, n * 100, n * 100 + 100, 99_000, 100_000) for n in range(groups))
    return Footer(windows, tuple({"text": GROUP_BYTES, "url": 900} for _ in windows), b"")


def drawn(files: list[HubFile], tokens: int, seed: int = 1, groups: int = 8) -> tuple[list[Drawn], list[str]]:
    asked: list[str] = []

    def read(file: HubFile) -> Footer:
        asked.append(file.path)
        return footer(groups)

    return draw(files, tokens, seed, read, ("text",)), asked


@pytest.mark.parametrize("tokens", [1, 1_000, 1_001, 50_000])
def test_as_many_groups_as_hold_the_tokens(tokens: int) -> None:
    found, _ = drawn(corpus(40), tokens)
    assert len(found) == -(-tokens * 4 // GROUP_BYTES), "columns beside the text do not count"
    assert len(set(found)) == len(found)


def test_the_order_of_the_list_does_not_matter_but_the_seed_does() -> None:
    files = corpus(40)
    one, _ = drawn(files, 30_000)
    other, _ = drawn(random.Random(3).sample(files, 40), 30_000)
    assert one == other
    assert one != drawn(files, 30_000, seed=2)[0]
    assert len({part.file.path for part in one}) > 20, "spread over the files"


def test_a_larger_draw_holds_the_smaller() -> None:
    assert set(drawn(corpus(40), 9_000)[0]) < set(drawn(corpus(40), 30_000)[0])


def test_no_more_footers_are_read_than_are_needed() -> None:
    found, asked = drawn(corpus(3_000), 20_000)
    assert len(asked) == FOOTERS
    assert len(found) == 20
    everything, asked = drawn(corpus(600), 10**9)
    assert len(asked) == 600
    assert len(everything) == 600 * 8


def test_files_without_row_groups_are_drawn_whole() -> None:
    found, asked = drawn(corpus(50, "jsonl.zst"), 200_000)
    assert asked == []
    assert all(part.window is None for part in found)
    assert len(found) == 4, "a compressed byte stands for two of text"
