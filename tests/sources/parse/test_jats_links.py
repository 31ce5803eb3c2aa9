"""Targets of links between articles are written as citations of PubMed write them, so that both can be joined."""

import pytest
from lxml import etree

from sources.parse.jats_links import links_of


@pytest.mark.parametrize(
    ("kind", "address", "target"),
    [
        ("doi", "10.9999/x", "10.9999/x"),
        ("uri", "info:doi/10.9999/x", "10.9999/x"),
        ("uri", "https://doi.org/10.9999/x", "10.9999/x"),
        ("pubmed", "77", "pmid:77"),
        ("pmid", "77", "pmid:77"),
        ("pmc", "12", "PMC12"),
        ("pmcid", "PMC12", "PMC12"),
        ("uri", "https://example.org/a", "https://example.org/a"),
        ("pubmed", "https://example.org/77", "https://example.org/77"),
    ],
)
def test_a_target_is_an_identifier_where_it_can_be(kind: str, address: str, target: str) -> None:
    xml = (
        '<m xmlns:l="http://www.w3.org/1999/xlink"><related-article related-article-type="retracted-article" '
        f'ext-link-type="{kind}" l:href="{address}"/></m>'
    )
    assert links_of(etree.fromstring(xml), "retraction") == [("retracts", target)]
