"""Nothing of a real article is lost or doubled: a walk of the tests' own beside the parser, on every file. Tier: real.

`python -m pytest -s tests/sources/parse/test_jats_kept.py` lists each word that is not found, with its element.
"""

import gzip
import re
from collections.abc import Iterator
from functools import cache

import jats_oracle_blocks as oracle
import pytest
from jats_oracle import SEAM, missing_words, run_of
from jats_reference_walk import name
from lxml import etree
from test_jats_real import DATA, PARSER, articles, bulk_files, single_files

from sources.parse.jats import parse
from sources.parse.part import Part

LEAST_KEPT = 0.998
FLAT = 5
"""Levels of headings that Markdown can tell below the title."""
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (DATA / "jats").is_dir(), reason="MEDMIX_DATA is unset or has no jats folder"),
]


def all_files() -> Iterator[tuple[str, bytes]]:
    yield from single_files()
    yield from bulk_files()
    for path in sorted(DATA.glob("jats/bulk/*.xml.gz")):
        yield path.name, gzip.decompress(path.read_bytes())


@cache
def read() -> list[tuple[str, etree._Element, Part]]:
    """Return (file and part, element, part) of every article and sub-article that has text."""
    found = []
    for file, data in all_files():
        parts = list(parse(data, file, {}))
        nodes = list(articles(etree.fromstring(data, PARSER)))
        assert len(nodes) == len(parts), file
        found += [(f"{file}#{p.name}", node, p) for node, p in zip(nodes, parts, strict=True) if isinstance(p, Part)]
    return found


def test_all_files_are_there() -> None:
    assert len(list(single_files())) >= 276
    assert len(list(bulk_files())) >= 340


def test_every_body_keeps_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    total, lines, below = 0, [], []
    for key, node, part in read():
        count, missing = missing_words([child for child in node if name(child) == "body"], part.text)
        total += count
        if missing:
            share = 1 - sum(missing.values()) / count
            lines.append(f"{share:.4%} {key}: {', '.join(f'<{e}> {w} x{n}' for (e, w), n in missing.items())}")
            below += [key] if share < LEAST_KEPT else []
    with capsys.disabled():
        print(f"\nwords of bodies: {total}, files that lack any: {len(lines)}", *sorted(lines), sep="\n  ")
    assert total > 2_000_000
    assert below == []


def test_every_cell_stands_in_its_row_and_column() -> None:
    cells, wrong = 0, []
    for key, node, part in read():
        wanted, written = list(oracle.tables(node)), list(oracle.written_tables(part.text))
        assert len(wanted) == len(written), key
        for (head, body), (top, rows) in zip(wanted, written, strict=True):
            columns = [[row[at] for row in head] for at in range(len(head[0]) if head else 0)]
            if not any(map(any, columns)):
                rows = [top, *rows]
            else:
                wrong += [key for texts, cell in zip(columns, top, strict=True) if not stacked(texts, cell)]
            assert len(rows) == len(body), key
            for line, row in zip(body, rows, strict=True):
                cells += len(line)
                wrong += [f"{key}: {a} / {b}" for a, b in zip(line, row, strict=True) if not oracle.same(a, b)]
    assert cells > 90_000
    assert wrong == []


def stacked(texts: list[str], cell: str) -> bool:
    """Say whether the header cell holds the texts of its column from top to bottom, and nothing else."""
    distinct = [text.replace(SEAM, "") for text in dict.fromkeys(texts) if text]
    pattern = ".*?".join(map(re.escape, distinct)) if any(SEAM in text for text in texts) else "".join(distinct)
    return re.fullmatch(pattern, cell) is not None or "".join(filter(None, texts)) == cell


def test_every_item_of_a_list_is_there_in_order() -> None:
    count, wrong = 0, []
    for key, node, part in read():
        text, at = run_of(part.text), 0
        for pieces in oracle.items(node):
            count += 1
            for piece in pieces:
                found = text.find(piece, at)
                if found < 0:
                    wrong.append(f"{key}: {piece[:60]}")
                else:
                    at = found
    assert count > 2_000
    assert wrong == []


def test_every_formula_shows_its_tokens() -> None:
    count, wrong = 0, []
    for key, node, part in read():
        text = run_of(part.text)
        for formula in oracle.formulae(node):
            count += 1
            wrong += [f"{key}: {token}" for token in oracle.tokens(formula) if token not in text]
        assert not re.search(r"^\$\$ *\$\$", part.text, re.M), f"{key}: an empty formula"
    assert count > 800
    assert wrong == []


def test_every_heading_has_its_level() -> None:
    count = 0
    for key, node, part in read():
        wanted = [(min(level, FLAT), run) for level, run in oracle.headings(node)]
        written = iter(oracle.written_headings(part.text))
        count += len(wanted)
        assert [heading for heading in wanted if heading not in written] == [], key
    assert count > 8_000


def test_an_abstract_comes_as_often_as_the_file_has_it() -> None:
    count, wrong = 0, []
    for key, node, part in read():
        text = run_of(part.text)
        own = "\n".join(oracle.shown_run(p).replace(SEAM, "") for p in oracle.own(node, "p"))
        own += "\n" + "\n".join(oracle.shown_run(note) for back in node.iter("{*}notes") for note in back.iter("{*}p"))
        for run in oracle.abstract_paragraphs(node):
            count += 1
            piece = max(run.split(SEAM), key=len)
            wrong += [] if 1 <= text.count(piece) <= max(1, own.count(piece)) else [f"{key}: {piece[:60]}"]
    assert count > 1_400
    assert wrong == []


def test_each_part_has_its_own_language_and_text() -> None:
    subs = 0
    for key, node, part in read():
        assert (part.language or "").split("-")[0] == oracle.language(node), key
        own = "\n".join(oracle.shown_run(p).replace(SEAM, "") for p in oracle.own(node, "p"))
        for sub in node.iter("{*}sub-article", "{*}response"):
            paragraphs = [p for body in sub.iterchildren("{*}body") for p in body.iter("{*}p")]
            long = [run for p in paragraphs if len(run := oracle.shown_run(p)) > 200]
            mine = "" if sub is node else run_of(part.text)
            subs += sub is not node
            stray = [piece for run in long if (piece := max(run.split(SEAM), key=len)) in mine]
            assert [piece[:60] for piece in stray if piece not in own] == [], key
    assert subs > 40
