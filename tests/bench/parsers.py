"""Our parsers beside the usual ones on the same files: documents or pages a CPU second, and what comes out.

Run `python -m tests.bench.parsers [--rounds N]` with MEDMIX_DATA set. JATS against pubmed_parser (its five calls, in
the peers' environment), HTML against trafilatura on its defaults and fast, PDF against pypdfium2 alone. Ours are called
without the sandbox. Contestants alternate (A B C, C B A, ...); CPU seconds for all files are medians over rounds.
Quality: JATS word recall over bodies, HTML trafilatura's own gold strings, PDF words and 5-grams of the article's JATS.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pypdfium2
import trafilatura
from lxml import etree

from sources.parse import html, jats, pdf
from sources.parse.part import Part, Unreadable
from tests.bench.meter import environment
from tests.bench.peers import ROOT, peer_python, versions
from tests.sources.parse.jats_reference_walk import body_words

Texts = dict[Path, str]
Read = Callable[[list[Path]], tuple[float, Texts]]
"""Reads files; returns CPU seconds and the text of each."""


def main() -> None:
    """Race each kind of parser, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    data = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
    if not data.is_dir():
        print("parsers: skipped, MEDMIX_DATA does not name the folder of the real sample")
        return
    print(environment("lxml", "trafilatura", "pypdfium2"), "|", versions("peers", "pubmed_parser", "lxml"))
    race_jats(sorted([*data.glob("jats/*.xml"), *data.glob("jats/*.nxml")]), rounds)
    race_html(data / "guidelines_html", rounds)
    race_pdf(sorted(data.glob("guidelines_pdf/**/*.pdf")), rounds)


def race_jats(paths: list[Path], rounds: int) -> None:
    """Print articles a CPU second and the recall of body words."""
    parser = etree.XMLParser(huge_tree=True, remove_comments=True, remove_pis=True, load_dtd=False, no_network=True)
    wanted = {path: body_words(etree.parse(str(path), parser).getroot()) for path in paths}
    wanted = {path: counted for path, counted in wanted.items() if counted}
    seconds, texts = race({"ours": each(ours(jats.parse)), "pubmed_parser": pubmed_parser}, list(wanted), rounds)
    for name, cpu_s in seconds.items():
        found = {path: words(texts[name][path]) for path in wanted}
        shares = [(counted & found[path]).total() / counted.total() for path, counted in wanted.items()]
        whole = sum((wanted[path] & found[path]).total() for path in wanted) / sum(c.total() for c in wanted.values())
        show("JATS", name, len(wanted), "articles", cpu_s, seconds["ours"])
        mean, lowest = statistics.mean(shares), min(shares)
        print(f"{'':<22}words of bodies kept {whole:.4f}, mean of files {mean:.4f}, lowest {lowest:.3f}")


def race_html(folder: Path, rounds: int) -> None:
    """Print pages a CPU second over the guideline pages, and trafilatura's score on its gold pages."""
    gold_folder = folder / "extraction_gold" / "trafilatura"
    gold = json.loads((gold_folder / "gold.json").read_text("utf-8"))
    pages = sorted(path for path in folder.rglob("*.htm*") if "extraction_gold" not in path.parts)
    contestants = {
        "ours": each(ours(html.parse)),
        "trafilatura": each(plain_trafilatura),
        "trafilatura fast": each(fast),
    }
    seconds, _ = race(contestants, pages, rounds)
    _, texts = race(contestants, [gold_folder / name for name in gold], 1)
    for name, cpu_s in seconds.items():
        out = {path.name: text for path, text in texts[name].items()}
        right = sum(text in out[page] for page, strings in gold.items() for text in strings["with"])
        wrong = sum(text in out[page] for page, strings in gold.items() for text in strings["without"])
        precision, recall = right / (right + wrong), right / sum(len(strings["with"]) for strings in gold.values())
        show("HTML", name, len(pages), "pages", cpu_s, seconds["ours"])
        f1 = 2 * precision * recall / (precision + recall)
        print(f"{'':<22}{len(gold)} gold pages: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")


def race_pdf(paths: list[Path], rounds: int) -> None:
    """Print pages a CPU second, and recall of words and 5-grams against the JATS of the same article."""
    pages = 0
    for path in paths:
        with pypdfium2.PdfDocument(path) as document:
            pages += len(document)
    seconds, texts = race({"ours": each(ours(pdf.parse)), "pypdfium2": each(pdfium)}, paths, rounds)
    pairs = {path: paragraphs(path.with_suffix(".xml")) for path in paths if path.with_suffix(".xml").is_file()}
    for name, cpu_s in seconds.items():
        wanted, kept, grams, together = 0, 0, 0, 0
        for path, listed in pairs.items():
            found = folded(texts[name][path])
            counted = Counter(word for one in listed for word in one)
            wanted, kept = wanted + counted.total(), kept + (counted & Counter(found)).total()
            there = five_grams(found)
            asked = [gram for one in listed for gram in five_grams(one)]
            grams, together = grams + len(asked), together + sum(gram in there for gram in asked)
        show("PDF", name, pages, "pages", cpu_s, seconds["ours"])
        print(f"{'':<22}{len(pairs)} articles: words kept {kept / wanted:.4f}, 5-grams in order {together / grams:.4f}")


def race(contestants: dict[str, Read], paths: list[Path], rounds: int) -> tuple[dict[str, float], dict[str, Texts]]:
    """Return the median of CPU seconds and the texts by contestant; a warm-up on a few files is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    texts: dict[str, Texts] = {}
    for read in contestants.values():
        read(paths[:5])
    for number in range(rounds):
        for name in contestants if number % 2 == 0 else reversed(contestants):
            cpu_s, texts[name] = contestants[name](paths)
            seconds[name].append(cpu_s)
    return {name: statistics.median(values) for name, values in seconds.items()}, texts


def show(kind: str, name: str, count: int, unit: str, cpu_s: float, our_cpu_s: float) -> None:
    """Print one contestant's speed and how much faster ours is."""
    ratio = "" if name == "ours" else f"; ours is {cpu_s / our_cpu_s:.2f} times as fast"
    print(f"{kind:<5}{name:<17}{count:>5} {unit}, {count / cpu_s:>7.1f} a CPU second{ratio}")


# --- contestants -------------------------------------------------------------------------------------------------


def each(read: Callable[[Path], str]) -> Read:
    """Return a contestant that reads files one by one in this process."""

    def read_all(paths: list[Path]) -> tuple[float, Texts]:
        begun = time.process_time()
        texts = {path: read(path) for path in paths}
        return time.process_time() - begun, texts

    return read_all


def ours(parse: Callable[..., object]) -> Callable[[Path], str]:
    """Return a reader by one of our parsers; what it refuses is empty."""

    def read(path: Path) -> str:
        try:
            return "\n\n".join(part.text for part in parse(path.read_bytes(), path.name, {}) if isinstance(part, Part))
        except Unreadable:
            return ""

    return read


def plain_trafilatura(path: Path) -> str:
    """Extract on trafilatura's defaults."""
    return trafilatura.extract(path.read_bytes()) or ""


def fast(path: Path) -> str:
    """Extract without trafilatura's second opinions."""
    return trafilatura.extract(path.read_bytes(), fast=True) or ""


def pdfium(path: Path) -> str:
    """Return what pypdfium2 gives, with the marks of hyphens at line ends mended."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            text = "\n".join(page.get_textpage().get_text_range() for page in document)
    except pypdfium2.PdfiumError:
        return ""
    return text.replace("\ufffe\r\n", "").replace("\ufffe", "")


def pubmed_parser(paths: list[Path]) -> tuple[float, Texts]:
    """Read articles with pubmed_parser in its environment."""
    with tempfile.TemporaryDirectory() as folder:
        listing, out = Path(folder, "listing"), Path(folder, "out")
        listing.write_text("\n".join(map(str, paths)))
        command = [
            peer_python("peers"),
            str(ROOT / "tests" / "bench" / "stock_readers.py"),
            "jats",
            str(listing),
            str(out),
        ]
        subprocess.run(command, check=True, capture_output=True)
        found = [json.loads(line) for line in out.read_text().splitlines()]
    return sum(one["cpu_s"] for one in found), {Path(one["path"]): one["text"] for one in found}


# --- quality -----------------------------------------------------------------------------------------------------


def words(text: str) -> Counter[str]:
    """Return the words of a text as the reference walk counts them."""
    plain = re.sub(r"[\^_]\{([^{}]*)\}", r"\1", text)
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFKC", plain)))


def folded(text: str) -> list[str]:
    """Return the words of a text in order, without case."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())


def five_grams(listed: list[str]) -> set[tuple[str, ...]]:
    """Return all runs of five words."""
    return {tuple(listed[at : at + 5]) for at in range(len(listed) - 4)}


def paragraphs(path: Path) -> list[list[str]]:
    """Return the words of each paragraph of a JATS body outside of tables, figures and boxes."""
    floats = {"table-wrap", "fig", "boxed-text"}
    body = etree.parse(str(path), etree.XMLParser(load_dtd=False, no_network=True)).find(".//body")
    if body is None:
        return []
    outside = [p for p in body.iter("p") if not any(a.tag in floats for a in p.iterancestors())]
    return [folded("".join(p.itertext())) for p in outside]


if __name__ == "__main__":
    main()
