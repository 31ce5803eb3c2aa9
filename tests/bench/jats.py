"""Our reading of JATS articles beside pubmed_parser, docling and the bare parsing of the XML: speed, and what is kept.

Run `python -m tests.bench.jats [--rounds N]` with MEDMIX_DATA set: all articles of `jats/` and `jats/bulk`, one file
each. Every contestant reads them in a process and an environment of its own, one after another, in turned order from
round to round; CPU seconds are those of the readings alone (without imports and warm-up), medians over rounds. What an
article holds is counted by `jats_content` from the XML, for all in the same way; "words" is the walk that the tests of
the parser use. Ours is called without the sandbox, docling without its pipeline: each at its best.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from tests.bench.jats_content import CLASSES, LICENCE, Content, content_of, score
from tests.bench.meter import environment
from tests.bench.peers import ROOT, peer_python, versions
from tests.sources.parse.jats_reference_walk import body_words, words

OURS, FIVE, PARAGRAPHS, DOCLING, FLOOR = "ours", "pubmed_parser", "pubmed_paragraphs", "docling", "floor"
SHOWN = {
    OURS: "medmix", FIVE: "pubmed_parser, five calls", PARAGRAPHS: "pubmed_parser, paragraphs",
    DOCLING: "docling to Markdown", FLOOR: "lxml.etree.parse alone",
}  # fmt: skip
GOALS = f"goals: every class >= .98; >= 3 x {SHOWN[FIVE]}; >= 16 x {SHOWN[DOCLING]}; <= 6 x the CPU of {SHOWN[FLOOR]}"


@dataclass
class Contestant:
    """What one contestant gave in its rounds."""

    cpu_s: list[float] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    failures: int = 0
    peak_rss_bytes: int = 0


def main() -> None:
    """Unpack the articles, race, score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    data = os.environ.get("MEDMIX_DATA")
    if not data:
        print("jats: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    with tempfile.TemporaryDirectory(prefix="bench-jats-") as folder:
        paths = list(write_articles(Path(data, "jats"), Path(folder)))
        size_bytes = sum(path.stat().st_size for path in paths)
        print(environment("lxml"), "|", versions("peers", "pubmed_parser", "lxml"), end=" | ")
        print(versions("docling", "docling-slim", "lxml"))
        found = race(paths, Path(folder), rounds)
        print(f"{len(paths)} articles, {size_bytes / 1e6:.1f} MB, median of {rounds} rounds\n")
        print_speed(found, len(paths), size_bytes)
        there = contents(paths)
        print_kept({SHOWN[name]: kept(there, one.texts) for name, one in found.items() if name != FLOOR})
        largest = max(paths, key=lambda path: path.stat().st_size)
        alone = read_once(OURS, [largest], Path(folder)).peak_rss_bytes
        print(f"\nmemory of ours, MB: {alone / 1e6:.0f} after the largest article alone", end="")
        print(f" ({largest.stat().st_size / 1e6:.1f} MB), {found[OURS].peak_rss_bytes / 1e6:.0f} after all")
    print(GOALS)


def write_articles(jats: Path, folder: Path) -> Iterator[Path]:
    """Yield the path of every article, those of packages and collections written to a folder, one file each."""
    yield from sorted([*jats.glob("*.xml"), *jats.glob("*.nxml")])
    for package in sorted(jats.glob("bulk/*.tar.gz")):
        with tarfile.open(package) as archive:
            for number, member in enumerate(archive):
                source = archive.extractfile(member) if member.name.endswith(("xml", "nxml")) else None
                if source:
                    path = folder / f"{package.name}-{number}.xml"
                    path.write_bytes(source.read())
                    yield path
    for collection in sorted(jats.glob("bulk/*.xml.gz")):
        for number, article in enumerate(etree.fromstring(gzip.decompress(collection.read_bytes()))):
            path = folder / f"{collection.name}-{number}.xml"
            path.write_bytes(etree.tostring(article, encoding="utf-8", with_tail=False))
            yield path


def race(paths: list[Path], folder: Path, rounds: int) -> dict[str, Contestant]:
    """Have every contestant read all articles, the order turned from round to round."""
    found = {name: Contestant() for name in SHOWN}
    for number in range(rounds):
        for name in SHOWN if number % 2 == 0 else reversed(SHOWN):
            once = read_once(name, paths, folder)
            found[name].cpu_s += once.cpu_s
            found[name].texts, found[name].failures = once.texts, once.failures
            found[name].peak_rss_bytes = once.peak_rss_bytes
    return found


def read_once(name: str, paths: list[Path], folder: Path) -> Contestant:
    """Run one contestant's reader over the articles. Raises CalledProcessError when it ends early."""
    listing, out = folder / "listing", folder / "out"
    listing.write_text("\n".join(map(str, paths)))
    python = {OURS: sys.executable, FLOOR: sys.executable, DOCLING: peer_python("docling")}.get(name) or peer_python(
        "peers"
    )
    command = ["nice", python, str(ROOT / "tests" / "bench" / "jats_readers.py"), name, str(listing), str(out)]
    quiet = {**os.environ, "PYTHONPATH": str(ROOT) if name == OURS else "", "OMP_NUM_THREADS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=quiet)
    *lines, last = map(json.loads, out.read_text().splitlines())
    read = lines[-len(paths) :]
    empty_or_failed = sum(one["failed"] or not one["text"].strip() for one in read)
    texts = {one["path"]: one["text"] for one in read}
    return Contestant([sum(one["cpu_s"] for one in read)], texts, empty_or_failed, last["peak_rss_bytes"])


def contents(paths: list[Path]) -> dict[str, tuple[Counter[str], Content]]:
    """Return what each article holds: the words of its bodies by the walk of the parser's tests, and the rest."""
    parser = etree.XMLParser(huge_tree=True, remove_comments=True, remove_pis=True, load_dtd=False, no_network=True)
    found = {}
    for path in paths:
        root = etree.parse(str(path), parser).getroot()
        bodies = (body_words(article) for article in root.iter("{*}article", "{*}sub-article", "{*}response"))
        found[str(path)] = (sum(bodies, Counter[str]()), content_of(root))
    return found


def kept(there: dict[str, tuple[Counter[str], Content]], texts: dict[str, str]) -> dict[str, float]:
    """Return the share kept by class over all articles, words of bodies first, the licence last."""
    totals: Counter[str] = Counter()
    had: Counter[str] = Counter()
    for path, (wanted, content) in there.items():
        found_words = (wanted.total(), (wanted & words(texts[path])).total())
        for name, (total, found) in {"words": found_words, **score(content, texts[path])}.items():
            totals[name] += total
            had[name] += found
    return {name: had[name] / totals[name] for name in ("words", *CLASSES, LICENCE)}


def print_speed(found: dict[str, Contestant], articles: int, size_bytes: int) -> None:
    """Print rates, ratios to ours, and failures."""
    our_s = statistics.median(found[OURS].cpu_s)
    print(f"{'':<28}{'articles/CPU s':>15}{'MB/CPU s':>10}{'CPU of ours':>13}{'failed or empty':>17}")
    for name, one in found.items():
        cpu_s = statistics.median(one.cpu_s)
        failed = "" if name == FLOOR else str(one.failures)
        print(
            f"{SHOWN[name]:<28}{articles / cpu_s:>15.0f}{size_bytes / 1e6 / cpu_s:>10.1f}"
            f"{cpu_s / our_s:>12.2f}x{failed:>17}"
        )
    floor_s = statistics.median(found[FLOOR].cpu_s)
    print(f"ours takes {our_s / floor_s:.1f} times the CPU of the floor\n")


def print_kept(shares: dict[str, dict[str, float]]) -> None:
    """Print the share of each class that each contestant kept."""
    names = list(next(iter(shares.values())))
    print(f"{'share kept':<16}" + "".join(f"{name:>28}" for name in shares))
    for name in names:
        print(f"{name:<16}" + "".join(f"{one[name]:>28.4f}" for one in shares.values()))


if __name__ == "__main__":
    main()
