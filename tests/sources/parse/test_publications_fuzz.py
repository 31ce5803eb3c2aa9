"""Citations, books and studies that are damaged at random: a part, a fault or a refusal, and nothing else.

Trees are damaged as files are in the wild: elements lost, doubled, renamed, moved into each other; fields of another
type. Whatever comes out can be written, and has sections that lie in its text.
"""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from test_bookshelf import BOOK_META, chapter, wrapper
from test_pubmed import abstract, citation

from sources.document import is_encodable
from sources.parse import bookshelf, clinical_trials, pubmed
from sources.parse.part import Fault, Part, Unreadable

STUDY = json.loads(Path(__file__).with_name("trial_study.json").read_text(encoding="utf-8"))
PUBMED = citation(
    7,
    abstract(
        "<AbstractText Label='AIM'>CD4 &lt;200 <sup>a</sup></AbstractText><AbstractText>x<sub>2</sub></AbstractText>"
    )
    + "<Language>spa</Language><PublicationTypeList><PublicationType>Review</PublicationType></PublicationTypeList>"
    "<VernacularTitle>V</VernacularTitle><ArticleDate><Year>2020</Year><Month>1</Month><Day>2</Day></ArticleDate>",
    "<MeshHeadingList><MeshHeading><DescriptorName>Fever</DescriptorName></MeshHeading></MeshHeadingList>"
    "<CommentsCorrectionsList><CommentsCorrections RefType='RetractionIn'><RefSource>s</RefSource><PMID>5</PMID>"
    "</CommentsCorrections></CommentsCorrectionsList><OtherAbstract Language='fre'><AbstractText>Dose.</AbstractText>"
    "</OtherAbstract>",
    "<ReferenceList><Reference><Citation>c</Citation></Reference></ReferenceList>",
)
BOOK = (
    f"<book>{BOOK_META}<front-matter><preface><named-book-part-body><p>Why.</p></named-book-part-body></preface></front-matter>"
    f"<book-body><book-part book-part-type='part'><body>{chapter('<p>One.</p>')}</body></book-part></book-body>"
    "<book-back><book-app-group><book-app><body><p>5 mg</p></body></book-app></book-app-group></book-back></book>"
)
NESTED = wrapper(
    chapter(f"<p>Start.</p>{chapter('<p>Inner.</p>', 'section')}", back="<back><ack><p>T</p></ack></back>")
)
NESTED = NESTED.partition("?>")[2].partition('dtd">')[2]


def damaged(tree: etree._Element, chance: random.Random) -> bytes:
    """Return a tree with one to four accidents."""
    tree = copy.deepcopy(tree)
    for _ in range(chance.randint(1, 4)):
        nodes = list(tree.iter())
        one, other = chance.choice(nodes), chance.choice(nodes)
        kind = chance.randrange(6)
        if kind == 0 and one.getparent() is not None:
            one.getparent().remove(one)
        elif kind == 1 and one.getparent() is not None:
            one.getparent().insert(0, copy.deepcopy(one))
        elif kind == 2:
            one.tag = other.tag
        elif kind == 3 and one is not other and one not in list(other.iterancestors()):
            one.append(copy.deepcopy(other))
        elif kind == 4:
            one.text = chance.choice(["", " ", "9" * 30, "<&>", "\u202e", "NBK1 PMC2 10.1/x", "2020-13-45"])
        else:
            one.attrib.clear()
            one.set(
                chance.choice(["id", "Label", "Language", "book-part-type", "RefType"]),
                chance.choice(["", "toc", "\u00e9"]),
            )
    return etree.tostring(tree)


def check(found: list[Part | Fault]) -> None:
    for item in found:
        assert is_encodable(item.name)
        if isinstance(item, Part):
            assert item.text.strip()
            assert is_encodable(item.text)
            json.dumps([item.extra, item.identifiers, item.links])
            assert all(0 <= section.start < section.end <= len(item.text) for section in item.sections)


@pytest.mark.parametrize(
    ("parser", "source"),
    [(pubmed.parse, PUBMED), (bookshelf.parse, BOOK), (bookshelf.parse, NESTED)],
    ids=["pubmed", "book", "wrapper"],
)
def test_damaged_files(parser: Any, source: str) -> None:
    tree = etree.fromstring(source)
    refused = parts = 0
    for seed in range(600):
        body = damaged(tree, random.Random(seed))
        try:
            found = list(parser(body, "k", {}))
        except Unreadable:
            refused += 1
            continue
        assert found
        parts += any(isinstance(item, Part) for item in found)
        check(found)
    assert parts > 300


def test_damaged_studies() -> None:
    chance = random.Random(3)
    for _ in range(400):
        study = copy.deepcopy(STUDY)
        for _ in range(chance.randint(1, 4)):
            node: Any = study
            while isinstance(node, (dict, list)) and node and chance.random() < 0.85:
                key = chance.choice(list(node) if isinstance(node, dict) else list(range(len(node))))
                if not isinstance(node[key], (dict, list)) or chance.random() < 0.2:
                    node[key] = chance.choice(
                        [None, "", "text \\>", 5, 1.5, True, [], {}, ["a"], [{}], {"a": "b"}, [[]]]
                    )
                    break
                node = node[key]
        try:
            found = list(clinical_trials.parse(json.dumps(study).encode(), "k.json", {}))
        except Unreadable:
            continue
        [item] = found
        if isinstance(item, Part):
            assert item.identifiers["nct"]
            assert all(0 <= section.start < section.end <= len(item.text) for section in item.sections)
            json.dumps(item.extra)
