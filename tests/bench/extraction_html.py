"""HTML: gold sets, cells, items and quantities kept, and pages a CPU second, beside trafilatura and datatrove.

Trafilatura is asked without comments, as its own evaluation does: `fast` (no second opinions) and on its defaults.
datatrove's stock step is its Trafilatura block on its defaults (precision, deduplication, one child process with a
timeout of 1 s), run with the trafilatura that is installed here: it pins <1.12, which cannot share this environment.
Contestants alternate; a child's CPU seconds count once it has ended. Floors: `FLOOR_*` below.
"""

import resource
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import trafilatura

from sources.parse import html
from sources.parse.part import Part, Unreadable
from tests.bench.extraction_gold import difference, gold_sets
from tests.sources.parse.html_reference_walk import items, main_part, pages, plain_text, quantities, rows, words

FLOOR_F1_BELOW_FAST = 0.005
FLOOR_KEPT = 0.95
MAX_QUANTITIES_LOST = 0.001
FAMILIES = {"NGC": ("ngc",), "CDC": ("cdc_pcd", "cdc_other_languages"),
            "WHO": ("who_phc_0to18", "who_pocketbook_tk", "who_smart_ig")}  # fmt: skip
Read = Callable[[bytes], str]


def run(data: Path, rounds: int) -> list[str]:
    """Print every figure of HTML extraction; return the floors that broke."""
    folder = data / "guidelines_html"
    broken = quality(folder / "extraction_gold")
    broken += kept(folder)
    broken += quantities_kept(folder)
    if rounds:
        speed(folder, rounds)
    return broken


def ours(body: bytes) -> str:
    """Return the text of our parser; a page that it refuses has none."""
    try:
        return "\n\n".join(p.text for p in html.parse(body, "page.html", {}) if isinstance(p, Part))
    except Unreadable:
        return ""


def fast(body: bytes) -> str:
    """Return what trafilatura extracts without second opinions."""
    return trafilatura.extract(body, include_comments=False, fast=True) or ""


def default(body: bytes) -> str:
    """Return what trafilatura extracts on its defaults."""
    return trafilatura.extract(body, include_comments=False) or ""


READERS: dict[str, Read] = {"ours": ours, "trafilatura fast": fast, "trafilatura": default}


def quality(folder: Path) -> list[str]:
    """Print precision, recall, F1 and the interval of our difference for each gold set; return broken floors."""
    broken = []
    for gold in gold_sets(folder):
        tallies = {
            name: [gold.tally(path, read(path.read_bytes())) for path in gold.pages] for name, read in READERS.items()
        }
        scores = {name: gold.total(found) for name, found in tallies.items()}
        print(f"{gold.name}, {len(gold.pages)} pages")
        for name, score in scores.items():
            line = f"  {name:<17}precision {score.precision:.4f}, recall {score.recall:.4f}, F1 {score.f1:.4f}"
            if name != "ours":
                low, high = difference(gold, tallies["ours"], tallies[name])
                line += f"; ours {scores['ours'].f1 - score.f1:+.4f} (95 % interval {low:+.4f} to {high:+.4f})"
            print(line)
        least = scores["trafilatura fast"].f1 - FLOOR_F1_BELOW_FAST
        if scores["ours"].f1 < least:
            broken.append(f"F1 {scores['ours'].f1:.4f} on {gold.name}, at least {least:.4f} (fast - .005) was pinned")
    return broken


def kept(folder: Path) -> list[str]:
    """Print the shares of table cells and list items of the main parts that came out; return broken floors."""
    broken = []
    for family, names in FAMILIES.items():
        paths = [path for path in pages(folder) if path.parent.name in names]
        for name, read in READERS.items():
            counts = Counter[str]()
            for path in paths:
                counts.update(_kept_in(path, read(path.read_bytes())))
            shares = {kind: counts[f"{kind} kept"] / max(counts[kind], 1) for kind in ("cells", "items")}
            told = ", ".join(f"{share:.2%} of {counts[kind]} {kind}" for kind, share in shares.items())
            print(f"{family}: {name:<17}kept {told}")
            if name == "ours":
                broken += [f"{s:.2%} of {k} kept on {family}" for k, s in shares.items() if s < FLOOR_KEPT]
    return broken


def _kept_in(path: Path, text: str) -> Counter[str]:
    """Count cells and items of a page, and those whose words came out; a cell counts with its whole row, or alone
    when it has two words or more."""
    counts = Counter[str]()
    there, main = f" {words(text)} ", main_part(path.read_bytes())
    for row in rows(main):
        whole = f" {' '.join(row)} " in there
        counts["cells"] += len(row)
        counts["cells kept"] += len(row) if whole else sum(" " in cell and f" {cell} " in there for cell in row)
    for item in items(main):
        counts["items"] += 1
        counts["items kept"] += f" {item} " in there
    return counts


def lost_quantities(path: Path, text: str) -> tuple[int, Counter[str]]:
    """Return how many quantities the main part of a page holds, and those that `text` misses."""
    wanted = quantities(plain_text(main_part(path.read_bytes())))
    return wanted.total(), wanted - quantities(text)


def quantities_kept(folder: Path) -> list[str]:
    """Print the quantities lost by each reader, ours one by one; return the broken floor."""
    paths, broken = pages(folder), []
    for name, read in READERS.items():
        found = {path: lost_quantities(path, read(path.read_bytes())) for path in paths}
        wanted, lost = sum(n for n, _ in found.values()), sum(c.total() for _, c in found.values())
        print(f"quantities: {name:<17}lost {lost} of {wanted} ({lost / wanted:.3%}) on {len(paths)} pages")
        if name == "ours":
            for path, (_, missing) in found.items():
                if missing:
                    print(f"  {path.parent.name}/{path.name}: {dict(missing)}")
            if lost > MAX_QUANTITIES_LOST * wanted:
                broken.append(f"{lost} of {wanted} quantities lost")
    return broken


def speed(folder: Path, rounds: int) -> None:
    """Print pages a CPU second on guideline pages and on gold pages."""
    gold = sorted(path for path in folder.rglob("extraction_gold/**/*.html") if path.name != "expected.html")
    for name, paths in (("guideline pages", pages(folder)), ("gold pages", gold)):
        bodies = [path.read_bytes() for path in paths]
        contestants = {**{name: _each(read) for name, read in READERS.items()}, "datatrove step": datatrove_step}
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        for read in contestants.values():
            read(bodies[:5])
        for number in range(rounds):
            for one in contestants if number % 2 == 0 else reversed(contestants):
                seconds[one].append(contestants[one](bodies))
        medians = {one: statistics.median(values) for one, values in seconds.items()}
        for one, cpu_s in medians.items():
            ratio = "" if one == "ours" else f"; ours is {cpu_s / medians['ours']:.2f} times as fast"
            print(f"{name}: {one:<17}{len(paths)} pages, {len(paths) / cpu_s:>6.1f} a CPU second{ratio}")


def _each(read: Read) -> Callable[[list[bytes]], float]:
    def timed(bodies: list[bytes]) -> float:
        begun = time.process_time()
        for body in bodies:
            read(body)
        return time.process_time() - begun

    return timed


def datatrove_step(bodies: list[bytes]) -> float:
    """Run datatrove's Trafilatura block over the pages as text; return CPU seconds, its child's too."""
    from datatrove.data import Document
    from datatrove.pipeline.extractors import Trafilatura
    from datatrove.utils.logging import logger

    logger.disable("datatrove")

    def documents() -> Iterable[Any]:
        for number, body in enumerate(bodies):
            yield Document(text=body.decode("utf-8", "replace"), id=str(number))

    begun = time.process_time() + _children_cpu_s()
    step = Trafilatura()
    for _ in step.run(documents()):
        pass
    timeouts = step.stats["timeout"].total if "timeout" in step.stats.stats else 0
    if timeouts:
        print(f"  datatrove step: {timeouts:.0f} pages over its second, skipped by it")
    return time.process_time() + _children_cpu_s() - begun


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
