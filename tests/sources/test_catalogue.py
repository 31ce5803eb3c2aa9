"""The catalogue is whole, its entries can be fetched, and it claims no more than somebody looked at."""

import os
import re
from collections import Counter
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipelines.engine.errors import ConfigError
from pipelines.load import load_run
from sources.about import NEVER
from sources.catalog import PARSERS, SourceConfig, parser_for
from sources.connectors.html_index import expand
from sources.connectors.table import options_of, start_links
from sources.listing import CLAIMS, FOLDER, Row, about_of, counts, described, entry, proven, read_catalogue, row_of
from sources.options import check_options
from sources.parse.part import Part
from sources.rights import RESERVED, UNKNOWN
from sources.terms import catalogue_terms
from sources.web.link import Link
from sources.web.robots import rules_from

ENTRIES = read_catalogue()
GAP_REPLAY = {
    *("aafp", "cco", "cdc", "cma", "cps", "drugs", "gc", "icrc"),
    *("idsa", "magic", "mayo", "nice", "rch", "spor", "who", "wikidoc"),
}
NATIONAL = {"ET", "GH", "IN", "KE", "MW", "NG", "TZ", "UG", "ZA"}
REAL_PAGES = {
    "cdc-pcd": "guidelines_html/cdc_pcd/2024_24_0016.htm",
    "who-smart": "guidelines_html/who_smart_ig/dak-tb_index.html",
    "who-smart-hiv": "guidelines_html/who_smart_ig/hiv_index.html",
    "who-phc-pocketbook": "guidelines_html/who_phc_0to18/PB_CB_1.html",
    "who-smart-anc": "guidelines_structured/who_smart_anc/documentation.md",
    "ng-stg": "guidelines_structured/nigeria_stg_txt/ABORTION.txt",
    "dailymed": "guidelines_structured/spl_labels/lipitor-orig.xml",
}
"""Entries whose canary lies as a saved page in MEDMIX_DATA; what is extracted from these was looked at."""
each = pytest.mark.parametrize("config", ENTRIES.values(), ids=ENTRIES)


def test_the_catalogue_holds_the_lineage_and_as_much_again() -> None:
    lineages = Counter(about_of(config).lineage for config in ENTRIES.values())
    assert {name: lineages[name] for name in GAP_REPLAY} == dict.fromkeys(GAP_REPLAY, 1)
    assert set(lineages) == {*GAP_REPLAY, None}
    assert lineages[None] >= 16
    assert len(ENTRIES) >= 32


def test_guidelines_of_countries_with_few_resources_are_in_it() -> None:
    abouts = [about_of(config) for config in ENTRIES.values()]
    assert {about.region for about in abouts if about.setting == "limited" and len(about.region) == 2} >= NATIONAL


@each
def test_an_entry_can_be_planned(config: SourceConfig) -> None:
    check_options(config)
    if config.web is None:
        assert config.optional or config.hub, "an entry that cannot be fetched yet stops no run"
        return
    options_of(config.web)
    hosts = set(config.web.hosts)
    assert all(urlsplit(link.url).hostname in hosts for link in start_links(config.web))
    if not config.web.http:
        assert all(link.url.startswith("https://") for link in start_links(config.web))
    if (canary := about_of(config).canary) is not None:
        assert urlsplit(canary.url).hostname in hosts, "the canary must be fetched by the same rules"


@each
def test_an_entry_claims_nothing_that_was_not_seen(config: SourceConfig) -> None:
    about = about_of(config)
    for name in CLAIMS:
        claim = getattr(about.verified, name)
        assert (claim.on == NEVER) == (not claim.evidence), name
        assert claim.on == NEVER or re.match(r"https?://\S+\.\S+", claim.evidence), name
    assert (about.canary is not None) == (about.verified.canary.on != NEVER)
    if config.rights.spdx not in (UNKNOWN, RESERVED):
        assert about.verified.rights.on != NEVER, "a licence that nobody read is unknown"
        assert config.rights.evidence
    if about.redistribution == "allowed":  # to forbid on hearsay errs on the safe side
        assert about.verified.rights.on != NEVER, "who allows it must have been read"


@each
def test_what_an_entry_grants_and_what_its_terms_say_agree(config: SourceConfig) -> None:
    about, terms = about_of(config), catalogue_terms()
    granted = config.rights.spdx not in (UNKNOWN, RESERVED)
    assert granted == (about.redistribution == "allowed")
    assert (terms.of_source(config) is not None) == (about.redistribution == "forbidden")


def test_no_entry_begins_where_robots_rules_that_were_seen_shut_it_out() -> None:
    seen = {"en.wikipedia.org": b"User-agent: *\nAllow: /w/load.php?\nDisallow: /w/\nDisallow: /api/\n"}
    for config in ENTRIES.values():
        canary = about_of(config).canary
        asked = [link.url for link in start_links(config.web)] if config.web else []
        for url in [*asked, *([canary.url] if canary else [])]:
            rules = rules_from(200, seen.get(urlsplit(url).hostname or "", b""), None)
            assert rules.refusal("medmix", url) is None, f"{config.name}: {url}"


def test_the_table_of_terms_binds_sites_and_no_host_of_many() -> None:
    terms = catalogue_terms()
    assert terms.names.keys() == {n for n, c in ENTRIES.items() if about_of(c).redistribution == "forbidden"}
    assert terms.names.keys() >= {"nice", "mayo", "drugs", "aafp", "cps"}
    shared = ("github.com", "githubusercontent.com", "archive.org", "who.int", "cdc.gov", "wikipedia.org", "nih.gov")
    assert not any(terms.of_address(f"https://{host}/x") for host in shared)


def test_the_printed_figures_are_those_of_the_files() -> None:
    figures = counts(ENTRIES.values())
    assert figures["entries"] == len(ENTRIES)
    assert figures["of GAP-Replay"] == 16
    assert figures["claims"] == 4 * len(ENTRIES)
    unproven = sum(figures[f"{name} {NEVER}"] for name in CLAIMS)
    assert unproven == figures["claims"] - sum(len(proven(about_of(config))) for config in ENTRIES.values())
    assert sum(count for name, count in figures.items() if name.startswith("redistribution")) == len(ENTRIES)


def test_a_row_and_a_description_hold_what_the_file_says() -> None:
    row = row_of(entry("cdc-pcd"))
    assert len(row) == len(Row._fields)
    assert row.verified == "2026-11-20: extraction, rights, canary"
    told = dict(described(entry("cdc-pcd")))
    assert told["web.connector"] == "sitemap"
    assert told["about.canary.url"] == "https://www.cdc.gov/pcd/issues/2024/24_0016.htm"


def test_a_name_that_is_nearly_right_is_told() -> None:
    for name in ("dailymd", "DailyMed"):
        with pytest.raises(ConfigError, match="did you mean 'dailymed'"):
            entry(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: other\nabout: {}\n", "must be named 'one'"),
        ("name: one\nkind: guideline\npath: .\nabout: {publisher: P}\n", "about.region"),
        ("name: [\nabout: x\n", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_told_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(told)):
        read_catalogue(tmp_path)


def test_formats_without_about_are_no_entries() -> None:
    every = {path.stem for path in FOLDER.glob("*.yaml")}
    assert {"html", "jats"} <= every - ENTRIES.keys()


@pytest.mark.real
@pytest.mark.parametrize("kit", ["dak-tb", "dak-immz", "dak-ccc"])
def test_the_list_of_a_kit_is_found_on_its_saved_page(kit: str) -> None:
    page = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / f"guidelines_html/who_smart_ig/{kit}_index.html"
    if not page.is_file():
        pytest.skip("MEDMIX_DATA is not set or has no such page")
    web = entry("who-smart").web
    assert web is not None
    (link,) = (one for one in start_links(web) if f"/{kit}/" in one.url)
    told = {"url": link.url, "role": link.role, "step": link.step, "fields": link.fields}
    options = {"connector": web.options, "link": told, "media_type": "text/html"}
    found = [one for one in expand(page.read_bytes(), link.url, options) if isinstance(one, Link)]
    names = {one.url.removeprefix(f"https://smart.who.int/{kit}/") for one in found}
    assert {"concepts.html", "personas.html", "decision-logic.html", "indicators.html"} <= names
    assert 15 < len(names) < 30


@pytest.mark.real
@pytest.mark.parametrize("name", REAL_PAGES)
def test_the_canary_comes_out_of_the_saved_page(name: str) -> None:
    page = Path(os.environ.get("MEDMIX_DATA", "/nonexistent")) / REAL_PAGES[name]
    if not page.is_file():
        pytest.skip("MEDMIX_DATA is not set or has no such page")
    config, body = entry(name), page.read_bytes()
    parser = config.parser if config.parser != "auto" else parser_for(page.suffix, None, body[:4096])
    assert parser is not None
    module, _, function = PARSERS[parser].target.partition(":")
    found = getattr(import_module(module), function)(body, page.name, dict(config.options))
    flat = " ".join(" ".join(f"{part.title} {part.text}" for part in found if isinstance(part, Part)).split())
    canary = about_of(config).canary
    assert canary is not None
    assert [string for string in canary.strings if string not in flat] == []


REPLAY = ("fineweb-edu", "dclm-baseline", "dolma3", "common-corpus", "wikipedia", "tulu-3-sft", "smoltalk")


@pytest.mark.parametrize("name", REPLAY)
def test_a_general_corpus_must_be_pinned_by_the_run_file(name: str, tmp_path: Path) -> None:
    config = entry(name)
    assert config.hub is not None
    assert config.hub.revision == "", "no commit was seen, so none is claimed"
    run_file = tmp_path / "run.yaml"
    use = f"use: {FOLDER / name}.yaml"
    run_file.write_text(f"name: r\nout: o\nseed: 1\nstages: []\nsources:\n  - {{{use}}}\n")
    with pytest.raises(ConfigError, match=rf"pin the commit of {config.hub.repo}"):
        load_run(run_file)
    run_file.write_text(
        run_file.read_text().replace("yaml}", f"yaml, hub: {{revision: {'b' * 40}, tokens: 50_000_000}}}}")
    )
    (source,) = load_run(run_file).sources
    assert source.hub == config.hub.model_copy(update={"revision": "b" * 40, "tokens": 50_000_000})
