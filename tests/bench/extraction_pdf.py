"""PDF text beside plain pypdfium2 and pypdf, held against the publisher's JATS of the same articles.

Run `python -m tests.bench.extraction_pdf [--rounds N]` with MEDMIX_DATA set, or through `tests.bench.extraction`. A row
a file: recall (words of the body that came out, as multiset), order (longest common subsequence with the running text
of the body, whose floats publishers place freely, over its words) and spurious (words that the whole JATS does not
have, over those that came out). Words are runs of letters and digits after NFKC. The floors are on the means. Then
CPU seconds over every PDF of the sample, ours without the sandbox, contestants alternating; they break no floor.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pypdfium2
from lxml import etree

from sources.parse.part import Part, Unreadable
from sources.parse.pdf import parse
from tests.bench.meter import environment
from tests.sources.parse.jats_reference_walk import name, walk

RECALL_FLOOR, ORDER_FLOOR, SPURIOUS_CEILING = 0.99, 0.99, 0.04
"""Pinned under what was measured (.997, .997, .030); what must hold is .97, .95 and .05."""
FLOATS = frozenset({"table-wrap", "fig", "boxed-text", "disp-formula"})
_PYPDF = (
    "import json, sys, time, pypdf; begun = time.process_time()\n"
    "texts = ['\\n'.join(p.extract_text() for p in pypdf.PdfReader(f).pages) for f in sys.argv[1:]]\n"
    "print(json.dumps([time.process_time() - begun, texts]))"
)


class Score(NamedTuple):
    """Shares of words: recall of the body, order of its running text, and what the article does not have."""

    recall: float
    order: float
    spurious: float


class Gold(NamedTuple):
    """Words of an article: body as multiset, running text in order, everything as multiset."""

    body: Counter[str]
    running: list[str]
    whole: Counter[str]


def main() -> bool:
    """Run with the settings of the command line; say whether all floors hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the race; 0 measures no speed")
    rounds = parser.parse_args().rounds
    data = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
    if not data.is_dir():
        print("extraction_pdf: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return True
    print(environment("pypdfium2", "lxml"))
    broken = run(data, rounds)
    print("\n".join(broken) or "all floors hold")
    return not broken


def run(data: Path, rounds: int) -> list[str]:
    """Print figures of quality and, unless `rounds` is 0, of speed; return the floors that did not hold."""
    paths = sorted((data / "guidelines_pdf/paired_articles").glob("*.pdf"))
    if not paths:
        return ["guidelines_pdf/paired_articles holds no PDF"]
    texts = {"ours": [ours(path) for path in paths], "pypdfium2": [plain(path) for path in paths]}
    cpu_s, texts["pypdf"] = pypdf(paths)
    print("PDF " if cpu_s else "pypdf is not installed and cannot be: skipped. PDF ", end="")
    means = compare(paths, {peer: found for peer, found in texts.items() if found})
    if rounds:
        race(sorted(data.glob("guidelines_pdf/**/*.pdf")), rounds)
    return [
        f"{label} {value:.4f}, floor {floor}"
        for label, value, floor, holds in (
            ("recall", means.recall, RECALL_FLOOR, means.recall >= RECALL_FLOOR),
            ("order", means.order, ORDER_FLOOR, means.order >= ORDER_FLOOR),
            ("spurious", means.spurious, SPURIOUS_CEILING, means.spurious <= SPURIOUS_CEILING),
        )
        if not holds
    ]


def compare(paths: list[Path], texts: dict[str, list[str]]) -> Score:
    """Print a row a file and the means; return our means."""
    print("against JATS: recall / order / spurious, a file a row")
    print(f"{'':<14}" + "".join(f"{peer:>24}" for peer in texts))
    scores: dict[str, list[Score]] = {peer: [] for peer in texts}
    for number, path in enumerate(paths):
        wanted = gold(path.with_suffix(".xml"))
        for peer, found in texts.items():
            scores[peer].append(score(found[number], wanted))
        print(f"{path.stem:<14}" + "".join(_cell(scores[peer][-1]) for peer in texts))
    means = {peer: Score(*map(statistics.fmean, zip(*listed, strict=True))) for peer, listed in scores.items()}
    print(f"{'mean':<14}" + "".join(_cell(means[peer]) for peer in texts))
    return means["ours"]


def _cell(found: Score) -> str:
    return f"{found.recall:>10.3f} {found.order:.3f} {found.spurious:>6.1%} "


# --- measures ----------------------------------------------------------------------------------------------------


def gold(path: Path) -> Gold:
    """Return the words of a JATS file."""
    parser = etree.XMLParser(
        load_dtd=False, no_network=True, resolve_entities=False, remove_comments=True, remove_pis=True
    )
    article = etree.parse(str(path), parser).getroot()
    body = article.find("body")
    assert body is not None, path
    apart = Counter(words(" ".join(article.itertext())))  # names and citations, whose parts nothing but tags sets apart
    whole = Counter(words(_walked(article))) | apart
    return Gold(Counter(words(_walked(body))), words(" ".join(running(body))), whole)


def _walked(node: etree._Element) -> str:
    out: list[str] = []
    walk(node, out, top=True)
    return "".join(out)


def running(node: etree._Element) -> Iterator[str]:
    """Yield titles and paragraphs outside of floats, in order."""
    for child in node:
        if not isinstance(child.tag, str) or name(child) in FLOATS:
            continue
        if name(child) in {"p", "title", "label"}:
            yield _without_floats(child)
        else:
            yield from running(child)


def _without_floats(node: etree._Element) -> str:
    out: list[str] = [node.text or ""]
    for child in node:
        if isinstance(child.tag, str) and name(child) not in FLOATS:
            walk(child, out)
        out.append(child.tail or "")
    return "".join(out)


def words(text: str) -> list[str]:
    """Return the words of a text, without case."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def score(text: str, wanted: Gold) -> Score:
    """Return the three shares of a text."""
    found = words(text)
    counted = Counter(found)
    recall = (wanted.body & counted).total() / wanted.body.total()
    order = common_subsequence(wanted.running, found) / len(wanted.running)
    return Score(recall, order, (counted - wanted.whole).total() / max(1, len(found)))


def common_subsequence(one: list[str], other: list[str]) -> int:
    """Return the length of the longest common subsequence (Hyyro 2004: one big integer, a bit a word of `one`)."""
    places: dict[str, int] = {}
    for at, word in enumerate(one):
        places[word] = places.get(word, 0) | 1 << at
    mask = (1 << len(one)) - 1
    row = mask
    for word in other:
        matches = row & places.get(word, 0)
        row = ((row + matches) | (row - matches)) & mask
    return len(one) - row.bit_count()


# --- contestants -------------------------------------------------------------------------------------------------


def ours(path: Path) -> str:
    """Return our text; empty for what is refused."""
    try:
        return "\n\n".join(part.text for part in parse(path.read_bytes(), path.name, {}) if isinstance(part, Part))
    except Unreadable:
        return ""


def plain(path: Path) -> str:
    """Return what pypdfium2 gives by itself."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            pages = []
            for page in document:
                textpage = page.get_textpage()
                pages.append(textpage.get_text_range())
                textpage.close()
                page.close()
            return "\n".join(pages)
    except pypdfium2.PdfiumError:
        return ""


def pypdf(paths: list[Path]) -> tuple[float, list[str]]:
    """Return CPU seconds and texts of pypdf in an environment of its own; (0, []) when it cannot be made."""
    folder = Path(os.environ.get("MEDMIX_BENCH_PYPDF", Path(tempfile.gettempdir()) / "medmix-bench-pypdf"))
    python = str(folder / "bin" / "python")
    try:
        if not (folder / "complete").exists():
            subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(folder)], check=True)
            subprocess.run(["uv", "pip", "install", "-q", "--python", python, "pypdf[crypto]"], check=True)
            (folder / "complete").touch()
    except (OSError, subprocess.CalledProcessError):
        return 0.0, []
    done = subprocess.run([python, "-c", _PYPDF, *map(str, paths)], check=True, capture_output=True, text=True)
    cpu_s, texts = json.loads(done.stdout)
    return cpu_s, texts


def race(paths: list[Path], rounds: int) -> None:
    """Print pages a CPU second of ours and of plain pypdfium2 over the same files, page loading included for both."""
    pages = 0
    for path in paths:
        with pypdfium2.PdfDocument(path) as document:
            pages += len(document)
    contestants: dict[str, Callable[[Path], str]] = {"ours": ours, "pypdfium2": plain}
    seconds: dict[str, list[float]] = {peer: [] for peer in contestants}
    for number in range(rounds + 1):
        for peer in list(contestants)[:: 1 if number % 2 else -1]:
            begun = time.process_time()
            for path in paths:
                contestants[peer](path)
            seconds[peer].append(time.process_time() - begun)
    medians = {peer: statistics.median(listed[1:]) for peer, listed in seconds.items()}
    for peer, cpu_s in medians.items():
        print(f"PDF {peer:<10} {pages} pages, {pages / cpu_s:>7.1f} a CPU second")
    times = medians["ours"] / medians["pypdfium2"]
    print(f"ours takes {times:.2f} times as long as pypdfium2 alone ({1 / times:.2f} as fast; goal: at most 1.5 times)")


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
