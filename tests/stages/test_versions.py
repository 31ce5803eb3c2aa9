"""Versions of the same guidance are linked, other guidance never; the newest stays and names the one before it."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from pipelines.stages.consolidate import Consolidate, ConsolidateConfig, Lineage
from pipelines.stages.version_keys import title_key, url_key, url_series, url_version, version_order
from pipelines.stages.version_series import resolve, wipe_out
from pipelines.stages.versions import VersionKeys, VersionsConfig
from sources.document import Document, to_table
from sources.parse.part import Part
from sources.parse.text import parse
from sources.rights import rights_from

CASES = json.loads((Path(__file__).parent / "cases" / "versions.json").read_text("utf-8"))
OPEN = rights_from("CC-BY-4.0", "https://example.org")


def document(id: str, **fields: Any) -> Document:
    extra = json.dumps(fields.pop("extra")) if fields.get("extra") else ""
    given = {"kind": "guideline", "source": "a", "key": id, "text": f"words of {id}", "rights": OPEN, "extra": extra}
    return Document(**{"id": id, **given, **fields})


def series(*documents: Document, duplicates: dict[str, str] | None = None, **config: Any) -> dict[str, Lineage]:
    keys = VersionKeys(VersionsConfig(**config)).apply(to_table(documents)).table
    rows = resolve(keys, duplicates).to_pylist()
    return {row["id"]: Lineage(row["survivor"], row["supersedes"]) for row in rows}


def cased(case: dict[str, Any]) -> list[Document]:
    return [document(str(index), **fields) for index, fields in enumerate(case["documents"])]


@pytest.mark.parametrize("case", CASES["must_link"], ids=lambda case: case["why"])
def test_versions_are_linked_in_order(case: dict[str, Any]) -> None:
    documents = cased(case)
    last = len(documents) - 1
    expected = {
        str(n): Lineage(None if n == last else str(last), str(n - 1) if n else None) for n in range(len(documents))
    }
    assert series(*documents) == expected
    assert series(*reversed(documents)) == expected


@pytest.mark.parametrize("case", CASES["must_not_link"], ids=lambda case: case["why"])
def test_other_guidance_is_never_linked(case: dict[str, Any]) -> None:
    assert series(*cased(case)) == {}


def test_a_group_in_which_two_could_be_of_one_date_links_nothing() -> None:
    same = {"title": "Management of severe malaria"}
    old, one, other = (document(n, published=d, url=f"https://a.example.org/{n}", **same) for n, d in
                       (("old", "2010"), ("one", "2015"), ("other", "2015")))  # fmt: skip
    assert series(old, one, other) == {}
    assert set(series(old, one)) == {"old", "one"}


def test_a_version_that_may_not_be_used_supersedes_none_that_may() -> None:
    old = document("old", url="https://a.example.org/1", retrieved="2019")
    new = document("new", url="https://a.example.org/1", retrieved="2020", rights=rights_from("CC-BY-NC-4.0"))
    assert series(old, new, profile="open") == {}
    assert series(old, new)["old"] == Lineage("new", None)


def test_an_empty_version_supersedes_none() -> None:
    old = document("old", url="https://a.example.org/1", retrieved="2019")
    assert series(old, document("new", text=" ", url="https://a.example.org/1", retrieved="2020")) == {}


def test_a_retracted_version_still_supersedes_those_before_it() -> None:
    old = document("old", url="https://a.example.org/1", retrieved="2019")
    new = document("new", url="https://a.example.org/1", retrieved="2020", retracted=True)
    assert series(old, new)["old"] == Lineage("new", None)


def test_a_page_that_went_back_to_an_old_text_counts_as_of_its_last_date() -> None:
    """Text a, then b, then a again: the first is kept as the duplicate of the last, and b is what is out of date."""
    first, second, third = (document(n, url="https://a.example.org/1", retrieved=n) for n in ("2019", "2020", "2021"))
    assert series(first, second, third, duplicates={"2021": "2019"}) == {
        "2019": Lineage(None, "2020"),
        "2020": Lineage("2019", None),
    }


def test_copies_of_one_version_are_no_versions() -> None:
    one, other = (document(n, url="https://a.example.org/1", retrieved=n) for n in ("2019", "2020"))
    assert series(one, other, duplicates={"2019": "2020"}) == {}


def test_documents_of_one_date_stand_side_by_side() -> None:
    same = {"identifiers": {"pdq": "CDR1"}}
    found = series(*(document(n, published=n[:4], **same) for n in ("2019", "2020a", "2020b")))
    assert found == {"2019": Lineage("2020a", None), "2020a": Lineage(None, "2019"), "2020b": Lineage(None, "2019")}


def test_the_order_of_rows_does_not_matter() -> None:
    documents = [document(f"{case}-{n}", **{**fields, "source": f"s{case}"})
                 for case, entry in enumerate(CASES["must_link"])
                 for n, fields in enumerate(entry["documents"])]  # fmt: skip
    expected = series(*documents)
    assert expected
    random.Random(7).shuffle(documents)
    assert series(*documents) == expected


def test_a_series_that_the_run_file_declares() -> None:
    keys = ("summary_20-11-17.txt", "summary_21-01-07.txt", "screening_21-01-07.txt", "summary.txt")
    documents = [document(key) for key in keys]
    found = series(*documents, series=(r"a/\w+_(\d\d)-(\d\d)-(\d\d)\.txt",))
    assert found == {keys[0]: Lineage(keys[1], None), keys[1]: Lineage(None, keys[0])}
    assert series(*documents) == series(*documents, series=("a/summary.*",)) == {}
    with pytest.raises(ValueError, match="regular expression"):
        VersionsConfig(series=("(",))


def test_a_source_that_is_mostly_older_versions_is_told() -> None:
    pages = [document(f"2{n:03}", url="https://a.example.org/1", retrieved=f"2{n:03}") for n in range(4)]
    keys = VersionKeys(VersionsConfig()).apply(to_table([*pages, document("x", source="b")])).table
    (told,) = wipe_out(keys, resolve(keys), 0.5)
    assert "source 'a': 3 of 4 documents (75%) are older versions" in told
    assert wipe_out(keys, resolve(keys), 0.75) == []


def test_consolidate_drops_the_older_and_names_it() -> None:
    table = to_table([document("old"), document("new")])
    places = {"old": Lineage("new", None), "new": Lineage(None, "old")}
    batch = Consolidate(ConsolidateConfig()).apply(table, {}, {}, places)
    assert {row: (why.reason, why.detail) for row, why in batch.rejected.items()} == {0: ("superseded", "new")}
    assert batch.table["supersedes"].to_pylist() == ["old"]
    kept = Consolidate(ConsolidateConfig(drop_superseded=False)).apply(table, {}, {}, places)
    assert (kept.table["supersedes"].to_pylist(), kept.rejected) == ([None, "old"], {})


@pytest.mark.parametrize(
    ("url", "key", "stripped", "version"),
    [
        ("https://www.a.example.org/x/?utm=1#y", "a.example.org/x?utm=1", "", None),
        ("http://a.example.org/2020/05/13/malaria.html", "a.example.org/2020/05/13/malaria.html",
         "a.example.org/malaria/html", "2020.05.13"),
        ("https://a.example.org/hiv_v1.2.pdf", "a.example.org/hiv_v1.2.pdf", "a.example.org/hiv_/pdf", "1.2"),
        ("https://a.example.org/mg-20/iron", "a.example.org/mg-20/iron", "", None),
        ("https://a.example.org/w/index.php?title=X&oldid=7", "a.example.org/w/index.php?title=X", "", None),
        ("mailto:a@example.org", "", "", None),
        ("https://[broken", "", "", None),
        (None, "", "", None),
    ],
)  # fmt: skip
def test_addresses(url: str | None, key: str, stripped: str, version: str | None) -> None:
    assert url_key(url) == key
    assert url_series(url).replace("_", "") == stripped.replace("_", "")
    assert url_version(url) == version


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("WHO Guidelines for malaria – 25 November 2022", "who guidelines for malaria"),
        ("Asthma (updated March 2021), version 2.1", "asthma"),
        ("Type 2 diabetes: 500 mg", "type 2 diabetes 500 mg"),
        ("May 2019 measles", "measles"),
        (None, ""),
    ],
)
def test_titles(title: str | None, key: str) -> None:
    assert title_key(title) == key


def test_versions_are_ordered_by_their_numbers() -> None:
    assert sorted(["1.10", "1.9", "2", "1.2b", "1.2"], key=version_order) == ["1.2", "1.2b", "1.9", "1.10", "2"]


DATA = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / "guidelines_structured" / "cdc_covid_snapshots"


@pytest.mark.real
@pytest.mark.skipif(not DATA.is_dir(), reason="MEDMIX_DATA names no dated snapshots")
def test_snapshots_of_two_pages_are_two_series() -> None:
    """Each snapshot is a page at one address, fetched on the day that its name tells; the names alone tell it too."""
    documents = []
    for path in sorted(DATA.glob("*.txt")):
        (part,) = parse(path.read_bytes(), path.name, {})
        assert isinstance(part, Part)
        page, _, day = path.stem.partition("_")
        fields = {"url": f"https://pages.example.org/{page}.html", "retrieved": f"20{day}", "title": part.title}
        documents.append(document(path.stem, text=part.text, **fields))
    found = series(*documents)
    assert len(found) == len(documents) == 20
    for page in ("screening", "summary"):
        names = sorted(name for name in found if name.startswith(page))
        assert [found[name].supersedes for name in names] == [None, *names[:-1]]
        assert {found[name].survivor for name in names[:-1]} == {names[-1]}
    bare = [document(one.id, text=one.text, key=f"{one.id}.txt") for one in documents]
    assert series(*bare, series=(r"a/\w+_(\d\d-\d\d-\d\d)\.txt",)) == found
