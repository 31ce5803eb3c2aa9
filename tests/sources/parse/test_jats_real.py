"""Real JATS files: no word of a body is lost, nothing raises but a named refusal. Tier: push; skips without data."""

import contextlib
import gzip
import os
import random
import re
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jats_reference_walk import body_words, recall
from lxml import etree

from sources.parse.jats import parse
from sources.parse.part import Fault, Part, Unreadable

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
FLOOR = 0.99
Files = Callable[[], Iterator[tuple[str, bytes]]]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not (DATA / "jats").is_dir(), reason="MEDMIX_DATA is unset or has no jats folder"),
]
PARSER = etree.XMLParser(huge_tree=True, remove_comments=True, remove_pis=True, load_dtd=False, no_network=True)


def single_files() -> Iterator[tuple[str, bytes]]:
    for path in sorted([*DATA.glob("jats/*.xml"), *DATA.glob("jats/*.nxml")]):
        yield path.name, path.read_bytes()


def bulk_files() -> Iterator[tuple[str, bytes]]:
    for archive in sorted(DATA.glob("jats/bulk/*.tar.gz")):
        with tarfile.open(archive) as members:
            for member in members:
                handle = members.extractfile(member) if member.isfile() else None
                if handle is not None and member.name.endswith(("xml", "nxml")):
                    yield f"{archive.name}!{member.name}", handle.read()


def articles(root: etree._Element) -> Iterator[etree._Element]:
    """Yield articles and sub-articles in the order the parser gives them."""
    for found in [root] if etree.QName(root).localname == "article" else list(root.iter("{*}article")):
        waiting = [found]
        while waiting:
            node = waiting.pop(0)
            yield node
            waiting += [child for child in node if etree.QName(child).localname in {"sub-article", "response"}]


def lowest_recall(files: Iterator[tuple[str, bytes]]) -> tuple[float, str, list[str]]:
    """Return the lowest recall with its file, and all files below the floor."""
    lowest, worst, below = 1.0, "", []
    for name, data in files:
        found = list(parse(data, name, {}))
        nodes = list(articles(etree.fromstring(data, PARSER)))
        assert len(nodes) == len(found), name
        for node, part in zip(nodes, found, strict=True):
            share, missing = recall(body_words(node), part.text if isinstance(part, Part) else "")
            if share < lowest:
                lowest, worst = share, f"{name}#{part.name}"
            if share < FLOOR:
                below.append(f"{name}#{part.name} {share:.4f} {missing.most_common(8)}")
    return lowest, worst, below


@pytest.mark.parametrize("files", [single_files, bulk_files])
def test_no_word_of_a_body_is_lost(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    lowest, worst, below = lowest_recall(files())
    with capsys.disabled():
        print(f"\nJATS body words kept, lowest file: {lowest:.4%} ({worst})")
    assert below == []


def test_europe_pmc_file_with_many_articles() -> None:
    path = DATA / "jats/bulk/PMC_sample_range.xml.gz"
    if not path.is_file():
        pytest.skip("no Europe PMC sample")
    data = gzip.decompress(path.read_bytes())
    found = [part for part in parse(data, "range", {}) if isinstance(part, Part)]
    wanted = Counter[str]()
    for node in articles(etree.fromstring(data, PARSER)):
        wanted += body_words(node)
    assert recall(wanted, "\n".join(part.text for part in found))[0] >= FLOOR


def test_sections_are_in_order_apart_and_begin_with_their_heading() -> None:
    for name, data in single_files():
        for part in parse(data, name, {}):
            if isinstance(part, Fault):
                continue
            end = 0
            for section in part.sections:
                assert end <= section.start < section.end <= len(part.text), name
                end = section.end
            assert not any(ord(sign) < 32 and sign not in "\t\n\r" for sign in part.text), name


REASONS = {
    "nul_and_control_0.xml": "control_characters",
    "truncated_0.xml": "truncated",
    "truncated_1.xml": "truncated",
    "truncated_2.xml": "truncated",
    "truncated_3.xml": "truncated",
    "truncated_gzip_0.xml.gz": "not_xml",
    "defusedxml_cyclic.xml": "entity_expansion",
    "defusedxml_external.xml": "external_entity",
    "libxml2_lol_classic.xml": "entity_expansion",
    "libxml2_lol_eg.xml": "external_entity",
    "libxml2_lol_long_value.xml": "entity_expansion",
}
READABLE = ("rot13_", "utf16_bom", "undeclared_entities", "latin1_declared_utf8")


def outcome(path: Path) -> str:
    """Return `text`, or the reason of a refusal; any other exception is a failure."""
    try:
        found = list(parse(path.read_bytes(), path.name, {}))
    except Unreadable as refusal:
        return refusal.reason
    return "text" if all(isinstance(part, Part) for part in found) else "fault"


@pytest.mark.parametrize("folder", ["jats", "xml"])
def test_bad_inputs_end_as_text_or_a_named_refusal(folder: str) -> None:
    for path in sorted(DATA.glob(f"bad_inputs/{folder}/*")):
        default = "text" if path.name.startswith(READABLE) else "not_jats"
        assert outcome(path) == REASONS.get(path.name, default), path.name


def test_every_citation_style_reads_every_file() -> None:
    for name, data in list(single_files())[::9]:
        for style in ("numbered", "strip"):
            assert list(parse(data, name, {"citations": style})), name


@pytest.mark.nightly
def test_mutated_files_end_as_parts_or_a_named_refusal() -> None:
    """50 mutations of each file: bytes changed, cut out, or one kind of tag renamed; the seed is fixed."""
    chance = random.Random(20)
    for _, data in single_files():
        names = sorted(set(re.findall(rb"<([a-z][\w-]*)", data)))
        for _ in range(50):
            mutated = bytearray(data)
            for _ in range(chance.randrange(3)):
                mutated[chance.randrange(len(data))] = chance.randrange(256)
            if chance.random() < 0.3:
                start = chance.randrange(len(data))
                del mutated[start : start + chance.randrange(2_000)]
            old, new = chance.choice(names), chance.choice([*names, b"unheard-of"])
            renamed = re.sub(rb"<(/?)" + re.escape(old) + rb"(?=[\s>/])", rb"<\g<1>" + new, bytes(mutated))
            with contextlib.suppress(Unreadable):
                list(parse(renamed, "mutated", {}))
