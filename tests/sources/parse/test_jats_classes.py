"""Every class of content of JATS comes out, counted by the benchmark's own reading of the XML. Tier: push; nightly."""

import os
from collections import Counter
from pathlib import Path

import pytest
from lxml import etree

from tests.bench.jats import write_articles
from tests.bench.jats_content import CLASSES, LICENCE, content_of, score
from tests.bench.jats_readers import ours, strings

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))
FLOOR = 0.98
PARSER = etree.XMLParser(huge_tree=True, remove_comments=True, remove_pis=True, load_dtd=False, no_network=True)
ARTICLE = """<article xmlns:xlink="http://www.w3.org/1999/xlink"><front><article-meta>
<contrib-group><contrib contrib-type="author"><name><surname>Okoro</surname><given-names>Ada</given-names></name>
</contrib></contrib-group><permissions><license xlink:href="https://creativecommons.org/licenses/by/4.0/"/></permissions>
<abstract><p>Zinc shortened the fever by two days.</p></abstract></article-meta></front>
<body><sec><title>Trial arms</title><p>Children took 5 mg<sup><xref ref-type="bibr">1</xref></sup> every morning.</p>
<list><list-item><p>tablets crushed in water</p></list-item></list>
<disp-formula><tex-math>\\frac{\\alpha}{x_{1}}</tex-math></disp-formula>
<table-wrap><caption><p>Doses by age group</p></caption><table><tr><td>under one year</td><td>2.5 mg</td></tr></table>
<table-wrap-foot><p>given once a day</p></table-wrap-foot></table-wrap>
<fig><caption><p>Fever over seven days</p></caption></fig></sec></body>
<back><ack><p>We thank the nurses.</p></ack><ref-list><ref><label>1</label><mixed-citation>Bello A.
Zinc and fever. 2010.</mixed-citation></ref></ref-list></back></article>"""
LOST = {
    "abstract": "Zinc shortened the fever by two days", "paragraphs": "Children took 5 mg", "cells": "2.5 mg",
    "table text": "given once a day", "list items": "tablets crushed in water", "formulae": r"\frac{\alpha}{x_{1}}",
    "references": "Zinc and fever", "captions": "Fever over seven days", "titles": "Trial arms", "authors": "Ada Okoro",
    "back matter": "thank the nurses", LICENCE: "creativecommons.org/licenses/by/4.0",
}  # fmt: skip


def our_text(path: Path) -> str:
    return "\n".join(strings(ours()(str(path))))


def test_parser_keeps_every_class_of_a_small_article(tmp_path: Path) -> None:
    path = tmp_path / "article.xml"
    path.write_text(ARTICLE)
    scores = score(content_of(etree.fromstring(ARTICLE)), our_text(path))
    assert all(0 < wanted == had for wanted, had in scores.values()), scores


@pytest.mark.parametrize("name", [*CLASSES, LICENCE])
def test_loss_is_seen_in_its_class(tmp_path: Path, name: str) -> None:
    path = tmp_path / "article.xml"
    path.write_text(ARTICLE)
    text = our_text(path)
    assert LOST[name] in text
    wanted, had = score(content_of(etree.fromstring(ARTICLE)), text.replace(LOST[name], ""))[name]
    assert had < wanted


@pytest.mark.real
@pytest.mark.nightly
@pytest.mark.skipif(not (DATA / "jats").is_dir(), reason="MEDMIX_DATA is unset or has no jats folder")
def test_no_class_of_the_real_articles_loses_more_than_a_fiftieth(tmp_path: Path) -> None:
    wanted, had = Counter[str](), Counter[str]()
    for path in write_articles(DATA / "jats", tmp_path):
        content = content_of(etree.parse(str(path), PARSER).getroot())
        for name, (there, kept) in score(content, our_text(path)).items():
            wanted[name] += there
            had[name] += kept
    shares = {name: had[name] / wanted[name] for name in (*CLASSES, LICENCE)}
    assert min(shares.values()) >= FLOOR, shares
