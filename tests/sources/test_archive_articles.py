"""The splitter of `<articles>` files against an XML parser, on generated and real files, in pieces of any size."""

import gzip
import io
import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from sources.archive import Item, Limits, open_items
from sources.archive_stream import Stream
from sources.europe_pmc import split_articles
from sources.parse.part import Fault

DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent"))


class Drip(io.RawIOBase):
    """A file that gives a few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self._inner = io.BytesIO(data)
        self._step = step

    def read(self, size: int = -1) -> bytes:
        return self._inner.read(min(size, self._step) if size >= 0 else self._step)

    def tell(self) -> int:
        return self._inner.tell()


def split(data: bytes, step: int = 1 << 20, **limits: int) -> tuple[list[Item], list[Fault]]:
    bounds = Limits(**limits)
    found = list(split_articles(Stream(Drip(data, step), bounds, packed=False), bounds))  # type: ignore[arg-type]
    return [f for f in found if isinstance(f, Item)], [f for f in found if isinstance(f, Fault)]


PIECES = st.sampled_from(
    [
        "dose &lt; 5 &#181;g", "<p a='x > y'>t</p>", "<!-- </article> <article> -->", "<![CDATA[</article><article>]]>",
        "<?pi </article> ?>", "<article-meta/>", "<article-id pub-id-type='doi'>10.1/x</article-id>", "<!---->",
        "<sub-article><body>s</body></sub-article>", '<x y="&quot;/>">&amp;</x>', "]]&gt;", "\n", "é→𝛼", "-->", "?>",
        "<articles-note/>", "<related-article/>", "<!-- ' \" -->", "<article >inner</article>", "<article/>",
    ]
)  # fmt: skip
ARTICLES = st.lists(st.lists(PIECES, max_size=8).map("".join), max_size=6)
BETWEEN = st.sampled_from(["", "\n", "<!-- <article>no</article> -->", "<?x <article> ?>", "<note>n</note>", "text"])


@settings(max_examples=300, deadline=None)
@given(bodies=ARTICLES, between=BETWEEN, step=st.integers(5, 60))
def test_any_articles_come_out_as_a_parser_sees_them(bodies: list[str], between: str, step: int) -> None:
    inner = "".join(f"{between}<article xml:lang='en'>{b}</article >" for b in bodies)
    data = f"<?xml version='1.0'?>\n<!-- <articles> -->\n<articles>{inner}{between}</articles>\n".encode()
    root = etree.fromstring(data)
    items, faults = split(data, step)
    assert not faults
    expected = [etree.tostring(e, with_tail=False, method="c14n") for e in root.iterchildren("article")]
    assert [etree.tostring(etree.fromstring(i.body), method="c14n") for i in items] == expected


@settings(max_examples=150, deadline=None)
@given(bodies=ARTICLES, cut=st.floats(0, 1), step=st.integers(5, 60))
def test_a_cut_keeps_what_was_whole_and_says_so(bodies: list[str], cut: float, step: int) -> None:
    data = ("<articles>" + "".join(f"<article>{b}</article>" for b in bodies) + "</articles>").encode()
    whole, _ = split(data)
    end = int(cut * (len(data) - 1))
    items, faults = split(data[:end], step)
    assert items == whole[: len(items)]
    assert len(faults) == 1
    borders = [len("<articles>")]
    borders += [
        borders[0] + sum(len(f"<article>{b}</article>".encode()) for b in bodies[: n + 1]) for n in range(len(bodies))
    ]
    assert len(items) == sum(b <= end for b in borders[1:])


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=300), step=st.integers(5, 40))
def test_noise_never_raises(data: bytes, step: int) -> None:
    split(b"<articles><article>" + data + b"</article>" + data, step)
    split(data, step)


def test_an_article_stands_alone_with_doctype_entities_and_namespaces() -> None:
    data = (
        '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE articles PUBLIC "-//X//DTD" "a>b.dtd" [\n'
        '<!-- ]> <articles> " -->\n<!ENTITY unit "µg &gt; ]>">\n<?p ]> ?>\n%iso;]>\n'
        '<articles xmlns:xlink="urn:x" xmlns:m=\'urn:m\' xml:lang="fr" n="1">'
        '<article xml:lang="en"><p xlink:href="u">5 &unit; é <m:i/></p></article></articles>'
    ).encode("latin-1")
    [item], faults = split(data)
    assert not faults
    root = etree.fromstring(item.body.replace(b"%iso;", b""))
    assert root.getroottree().docinfo.doctype == '<!DOCTYPE article PUBLIC "-//X//DTD" "a>b.dtd">'
    assert "".join(root.itertext()) == "5 µg > ]> é "
    assert root.attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "en"}
    assert b"&unit;" in item.body


@pytest.mark.parametrize(
    ("front", "name"),
    [
        ('<article-id pub-id-type="pmcid">3643536</article-id>', "PMC3643536"),
        ("<article-id pub-id-type='pmcid'>PMC12</article-id>", "PMC12"),
        ('<article-id  x="1" pub-id-type = "pmc" >77</article-id>', "PMC77"),
        ('<article-id pub-id-type="pmcaid">9</article-id>', "1"),
        ("<article-id pub-id-type='doi'>x</article-id>", "1"),
        ('</article-meta><body><article-id pub-id-type="pmcid">5</article-id></body>', "1"),
    ],
)
def test_the_name_is_the_pmc_id_of_the_article_itself(front: str, name: str) -> None:
    items, _ = split(f"<articles><article>{front}</article></articles>".encode())
    assert [i.key for i in items] == [name]


def test_too_large_articles_are_passed_over_in_bounded_memory() -> None:
    big = b"<article>" + b"<p>x</p>" * 1_000_000 + b"</article>"
    data = (
        b"<articles><article>a</article>"
        + big
        + b"<article>b</article>"
        + b"<!--"
        + b"y" * 4_000_000
        + b"--></articles>"
    )
    tracemalloc.start()
    items, faults = split(data, 10_000, max_item_bytes=200_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [i.key for i in items] == ["1", "3"]
    assert [(f.reason, f.name) for f in faults] == [("too_large", "2")]
    assert peak < len(data) + 4_000_000  # the input itself is copied once by the fake file


def test_a_stray_end_tag_is_no_article() -> None:
    items, faults = split(b"<articles></article><article>a</article></article></articles>")
    assert [i.body for i in items] == [b"<article>a</article>"]
    assert not faults


def test_other_roots(tmp_path: Path) -> None:
    path = tmp_path / "a.xml.gz"
    for data, count in ((b"<pmc-articleset>\n<article/><article>x</article></pmc-articleset>", 2), (b"<articles/>", 0)):
        path.write_bytes(gzip.compress(data))
        assert [type(f) for f in open_items(path, "a.xml.gz", "auto", Limits())] == [Item] * count
    path.write_bytes(gzip.compress(b"<article><p>&lt;articles></p></article>"))
    assert [i.key for i in open_items(path, "a.xml.gz", "auto", Limits()) if isinstance(i, Item)] == ["a.xml.gz"]
    assert [f.reason for f in split(b"<article/>")[1]] == ["not_articles"]


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA is unset or missing")
def test_the_real_bulk_file_gives_forty_articles() -> None:
    path = DATA / "jats/bulk/PMC_sample_range.xml.gz"
    items = [i for i in open_items(path, path.name, "auto", Limits()) if isinstance(i, Item)]
    root = etree.fromstring(gzip.decompress(path.read_bytes()))
    expected = [etree.tostring(e, with_tail=False, method="c14n") for e in root]
    assert [etree.tostring(etree.fromstring(i.body), method="c14n") for i in items] == expected
    assert all(i.key.startswith("PMC_sample_range.xml.gz!PMC") for i in items)
    assert len({i.key for i in items}) == 40
