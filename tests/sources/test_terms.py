"""Terms that forbid redistribution win over the run file, the page, and a copy of the entry under another name."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.errors import ConfigError
from sources import extract
from sources.about import About
from sources.archive import Item
from sources.assemble import Declared, Found, document_of
from sources.catalog import SourceConfig
from sources.document import Document
from sources.extract import Extract
from sources.listing import read_catalogue
from sources.parse.part import Part
from sources.rights import PROFILES, RESERVED, Rights, allows, may_release, rights_from
from sources.tables import Origin
from sources.terms import Terms, cap, terms_of

CASES = json.loads((Path(__file__).parent / "terms_cases.json").read_text(encoding="utf-8"))
TERMS_URL = "https://guides.example.org.uk/terms"
CLAIMED = rights_from("CC-BY-4.0", "https://creativecommons.org/licenses/by/4.0/", attribution="by us")


def about(redistribution: str = "forbidden", terms: str = TERMS_URL) -> dict[str, Any]:
    return {
        "publisher": "P", "region": "GB", "audience": "clinicians", "setting": "high", "languages": ["en"],
        "redistribution": redistribution, "terms": terms,
    }  # fmt: skip


def source(name: str, hosts: tuple[str, ...] = (), **fields: Any) -> SourceConfig:
    web = {"web": {"connector": "urls", "hosts": hosts}} if hosts else {"path": "."}
    return SourceConfig.model_validate({"name": name, "kind": "guideline", **web, **fields})


@pytest.fixture
def table() -> Terms:
    entries = [
        source("guides", ("www.guides.example.org.uk",), about=about()),
        source("drugs", ("*.drugs.example.com",), about=about(terms="")),
        source("open", ("open.example.org",), about=about("allowed")),
    ]
    return terms_of(entries)


@pytest.fixture
def exact() -> Terms:
    """A table whose domains are those of the cases: the public suffix list would cut `example.org.uk` shorter."""
    return Terms({"guides": TERMS_URL}, {"guides.example.org.uk": TERMS_URL, "drugs.example.com": "drugs"})


@pytest.mark.parametrize("address", CASES["bound"])
def test_an_address_of_the_site_is_bound(exact: Terms, address: str) -> None:
    assert exact.of_address(address), address


@pytest.mark.parametrize("address", CASES["free"])
def test_another_address_is_free(exact: Terms, address: str) -> None:
    assert exact.of_address(address) is None, address


def test_the_table_holds_names_and_registrable_domains_of_those_that_forbid(table: Terms) -> None:
    assert dict(table.names) == {"guides": TERMS_URL, "drugs": "drugs"}
    assert dict(table.domains) == {"example.org.uk": TERMS_URL, "example.com": "drugs"}


def test_a_licence_in_the_run_file_never_makes_such_a_source_releasable(table: Terms) -> None:
    overridden = source("guides", ("www.guides.example.org.uk",), about=about(), rights={"spdx": "CC-BY-4.0"})
    capped = cap(CLAIMED, overridden, [], table)
    assert capped.spdx == RESERVED
    assert capped.evidence == TERMS_URL
    assert capped.attribution == "by us"
    assert not any(may_release(capped, profile) for profile in PROFILES)
    assert not allows(capped, "open-noncommercial")
    assert allows(capped, "research-internal")


@pytest.mark.parametrize(
    "copy",
    [
        source("mine", ("www.guides.example.org.uk",), rights={"spdx": "CC0-1.0"}),
        source("mine", ("*.example.org.uk",), rights={"spdx": "CC0-1.0"}),
        source("mine", about=about(terms="https://elsewhere.example.net/terms")),
        source("guides", about=about("allowed")),
        source("guides"),
    ],
    ids=["hosts kept", "hosts widened", "about kept", "about overridden", "only the name kept"],
)
def test_a_copy_of_the_entry_is_bound_too(table: Terms, copy: SourceConfig) -> None:
    assert not may_release(cap(CLAIMED, copy, [], table), "open"), copy


def test_files_of_the_site_are_bound_by_their_address(table: Terms) -> None:
    local = source("my-files")
    assert cap(CLAIMED, local, ["https://example.net/a", "https://www.guides.example.org.uk/a"], table).spdx == RESERVED
    assert cap(CLAIMED, local, ["https://example.net/a"], table) is CLAIMED


def test_a_reservation_of_mining_stays(table: Terms) -> None:
    capped = cap(Rights(tdm_reserved=True), source("guides"), [], table)
    assert capped.tdm_reserved
    assert not allows(capped, "research-internal")


def test_the_identity_follows_the_table(table: Terms) -> None:
    assert table.identity() == Terms(dict(table.names), dict(table.domains)).identity()
    assert table.identity() != Terms({}, dict(table.domains)).identity()
    assert table.identity() != Terms(dict(table.names), {}).identity()


def test_without_a_catalogue_nothing_is_assumed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no catalogue"):
        read_catalogue(tmp_path)


def test_about_says_that_a_date_needs_evidence() -> None:
    with pytest.raises(ValueError, match="needs the evidence"):
        About.model_validate({**about(), "verified": {"rights": {"on": "2026-11-20"}}})


def one(config: SourceConfig, url: str | None = None, page_says: str = "", **fields: Any) -> Document:
    """Return the document of one page, read and assembled as the extract stage does."""
    item = Item(key="page.html", body=b"", url=url)
    told: dict[str, Any] = {"sha256": "0" * 64, "file": "page.html", "place": "page.html", "origins": {}, **fields}
    part = asdict(Part(text="Give 5 mg.", licence_text=page_says, spdx=page_says or None))
    return document_of(Declared(config), Found(item=item, **told), "page.html", part)


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (source("nice", rights={"spdx": "CC-BY-4.0"}), {}),
        (source("mine", ("www.nice.org.uk",), rights={"spdx": "CC-BY-4.0"}), {}),
        (source("mine", rights={"spdx": "CC-BY-4.0"}), {"url": "https://www.nice.org.uk/guidance/ng1"}),
        (source("mine", rights={"spdx": "CC-BY-4.0"}), {"page_says": "CC-BY-4.0", "place": "www.nice.org.uk/ng1.html"}),
        (source("mine"), {"origins": {"page.html": Origin("https://www.nice.org.uk/guidance/ng1", None)}}),
        (source("mine", url_template="https://www.nice.org.uk/guidance/{key}", rights={"spdx": "CC0-1.0"}), {}),
    ],
    ids=["by name", "copied under another name", "by the item's URL", "page says so too", "URL table", "URL template"],
)
def test_a_document_of_a_bound_site_never_is_releasable(config: SourceConfig, fields: dict[str, Any]) -> None:
    rights = one(config, **fields).rights
    assert rights.spdx == RESERVED
    assert rights.evidence == "https://www.nice.org.uk/terms-and-conditions"
    assert not any(may_release(rights, profile) for profile in PROFILES)


def test_a_mirror_is_bound_by_the_folder_that_its_source_names(tmp_path: Path) -> None:
    mirror = source("mine", path="/data/mirror/www.nice.org.uk", rights={"spdx": "CC0-1.0"})
    moved = source("mine", path="/data/mirror/guidance", rights={"spdx": "CC0-1.0"})
    assert one(mirror).rights.spdx == RESERVED
    assert one(moved).rights.spdx == "CC0-1.0"
    assert Extract(mirror, tmp_path, [], 1).identity() != Extract(moved, tmp_path, [], 1).identity()


def test_another_document_keeps_the_rights_that_it_states() -> None:
    document = one(source("mine", rights={"spdx": "CC-BY-4.0"}), "https://pages.example.org/ng1")
    assert document.rights.spdx == "CC-BY-4.0"
    assert may_release(document.rights, "open")


def test_the_terms_are_part_of_what_an_extraction_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Extract(source("mine"), tmp_path, [], 1).identity()
    monkeypatch.setattr(extract, "catalogue_terms", lambda: Terms({}, {}))
    assert Extract(source("mine"), tmp_path, [], 1).identity() != before
