"""HTML extraction on real pages: trafilatura's own gold, and the words of main regions that pages declare."""

import json
import os
import re
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
import trafilatura

from sources.parse import charset
from sources.parse.html import parse
from sources.parse.html_blocks import blocks_of
from sources.parse.html_tree import parse_tree, remove_invisible
from sources.parse.part import Fault, Part, Unreadable

ROOT = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
HTML = ROOT / "guidelines_html"
GOLD = HTML / "extraction_gold" / "trafilatura"
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not HTML.is_dir(), reason="MEDMIX_DATA names no folder with guidelines_html"),
]
MIN_WORD_RECALL = {"who_phc_0to18": 0.99, "who_pocketbook_tk": 0.97, "nci": 0.98}
"""Pages without menus: nearly every visible word is main text (figure calculators of the Turkmen book are forms)."""


def text_of(path: Path) -> str:
    (part,) = parse(path.read_bytes(), path.name, {})
    assert isinstance(part, Part)
    return part.text


def plain_trafilatura(path: Path) -> str:
    return trafilatura.extract(path.read_bytes(), include_comments=False, deduplicate=False) or ""


def score(texts: dict[str, str]) -> tuple[float, float, float]:
    """Return precision, recall and F1 as trafilatura scores itself: strings that must and must not come out."""
    gold = json.loads((GOLD / "gold.json").read_text("utf-8"))
    right = sum(text in texts[name] for name, page in gold.items() for text in page["with"])
    wrong = sum(text in texts[name] for name, page in gold.items() for text in page["without"])
    precision, recall = right / (right + wrong), right / sum(len(page["with"]) for page in gold.values())
    return precision, recall, 2 * precision * recall / (precision + recall)


def test_at_least_as_good_as_trafilatura_on_its_own_gold() -> None:
    paths = sorted(GOLD.glob("*.html"))
    ours = score({path.name: text_of(path) for path in paths})
    theirs = score({path.name: plain_trafilatura(path) for path in paths})
    print("precision, recall, F1: ours", ours, "trafilatura", theirs)
    assert ours[1] >= theirs[1]
    assert ours[2] >= max(theirs[2], 0.926)


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower()))


@pytest.mark.parametrize("family", sorted(MIN_WORD_RECALL))
def test_body_words_of_guidelines_come_out(family: str) -> None:
    recalls = []
    for path in sorted((HTML / family).glob("*.htm*")):
        tree = parse_tree(charset.decode(path.read_bytes(), None, html=True)[0])
        remove_invisible(tree)
        wanted = words(" ".join(block.text for block in blocks_of(tree.find("body"))))
        recalls.append((wanted & words(text_of(path))).total() / wanted.total())
    assert sum(recalls) / len(recalls) >= MIN_WORD_RECALL[family]


def test_bad_inputs_give_parts_or_named_refusals() -> None:
    outcomes = {}
    for path in sorted(p for name in ("html", "encodings", "empty") for p in (ROOT / "bad_inputs" / name).iterdir()):
        try:
            outcomes[path.name] = {type(item) for item in parse(path.read_bytes(), path.name, {})}
        except Unreadable as error:
            outcomes[path.name] = {error.reason}
    assert all(found <= {Part, Fault, "binary", "empty", "error_page", "no_text"} for found in outcomes.values())
    assert outcomes["binary_named_html.html"] == {"binary"}
    assert outcomes["whitespace.html"] == {"empty"}
