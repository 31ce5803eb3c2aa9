"""The card of a run: valid on the hub, executed, counted again from the shards, and never written with a hole."""

import copy
import csv
import dataclasses
import json
import re
import shutil
import sys
from pathlib import Path

import datasets
import mlcroissant
import pyarrow.parquet as pq
import pytest
import yaml
from card_recount import AXES, Recount, tables_of
from datasets import load_from_disk
from demo_runs import DEMO, REPOSITORY, call_medmix, digests
from huggingface_hub import DatasetCard

from mixer.settings import FoundBy
from pipelines.engine.errors import ConfigError
from pipelines.load import load_run
from pipelines.publish.beside import write_beside, written_layout
from pipelines.publish.layout import documents_schema
from pipelines.report.card import card
from pipelines.report.card_facts import CardFacts, gather
from pipelines.report.card_holes import OPTIONAL, card_holes, is_missing
from pipelines.report.card_metadata import HUB_LICENCES, check_metadata, size_category
from pipelines.report.card_section import CardConfig
from pipelines.report.card_tables import changes
from pipelines.report.card_words import COLUMNS
from pipelines.result import Result, read_result
from pipelines.run import How, run


@pytest.fixture(scope="module")
def carded(demo_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Return a copy of the demo with its card; tests read it and never write to it."""
    folder = Path(shutil.copytree(demo_run, tmp_path_factory.mktemp("card") / "run"))
    result = read_result(folder)
    list(write_beside(result))
    return result


def root(result: Result) -> Path:
    return Path(result.storage.disk.root)  # type: ignore[attr-defined]


def release(result: Result) -> Path:
    return root(result) / "release"


def body(text: str) -> str:
    return text.split("\n---\n", 1)[1]


def check_tables(result: Result, text: str) -> None:
    """Compare every table of a card with a new count; fail for a table that nothing counts."""
    found, again = tables_of(text), Recount(result, root(result))
    mixtures = {name: result.mixture_manifest(name, "mixture").shards[0].facts for name in result.mixtures}
    targets = list(dict.fromkeys(facts["target"] for facts in mixtures.values()))
    tokens = "".join(f" | tokens ({target})" for target in targets)
    rows = found.pop(f"source | tag | kind | documents | words{tokens} | audience | region | released")
    assert {row[1]: tuple(row[3 : 5 + len(targets)]) for row in rows} == again.sources(targets)
    rows = found.pop("stage | source | outcome | reason | records")
    assert {tuple(row) for row in rows} == again.losses()
    assert len(rows) == len(again.losses())
    rows = found.pop("stage | version | in | kept | dropped | quarantined")
    assert {row[0]: tuple(row[2:]) for row in rows if row[0].startswith("`extract-")} == again.extracted()
    for row in rows:
        version, total, *parts = (int(cell.replace(",", "")) for cell in row[1:])
        assert version >= 1
        assert total == sum(parts)
    header = "component | requested | effective | realised | sequences | trained tokens | padding | epochs (exact)"
    rows = found.pop(f"{header} | documents")
    wanted = [(name, *cells) for mixture in mixtures for name, cells in again.components(mixture).items()]
    assert [(row[0], *row[3:]) for row in rows] == wanted
    rows = found.pop("source | documents in it | tokens, each document once | trained tokens | of the mixture")
    assert sorted(map(tuple, rows)) == sorted((t, *c) for m in mixtures for t, c in again.trained(m).items())
    rows = found.pop("slice of the mixture | asked for | trained | trained tokens", [])
    slices = {name: again.weighed(name) for name in result.mixtures} if "coverage" in result.manifests else {}
    assert len(rows) == sum(min(12, sum(s.startswith(f"{a}:") for s in of)) for of in slices.values() for a in AXES)
    assert {tuple(row) for row in rows} <= {(name, *cells) for of in slices.values() for name, cells in of.items()}
    for axis in AXES:
        rows = found.pop(f"{axis} | documents found | kept | rate | tokens kept (est.)", [])
        wanted_slices = again.coverage(axis)
        assert {row[0]: tuple(row[1:]) for row in rows}.items() <= wanted_slices.items()
        assert len(rows) == min(40, len(wanted_slices)), axis
        if more := sorted((int(cells[1].replace(",", "")) for cells in wanted_slices.values()), reverse=True)[40:]:
            assert f"And {len(more):,} more, each with {more[0]:,} kept documents or fewer." in text
    assert dict(found.pop("language | documents")) == again.counted("language")  # type: ignore[arg-type]
    assert dict(found.pop("year of publication | documents")) == again.counted("published", 4)  # type: ignore[arg-type]
    rows = found.pop("licence (SPDX) | documents | may be released")
    assert {row[0]: row[1] for row in rows} == again.licences()
    rows = found.pop("config | split | files | rows | bytes")
    assert {row[0]: tuple(row[2:]) for row in rows} == again.files(release(result))
    header = "benchmark | items | items found | spans | documents with one | dropped | cut | mean score"
    assert set(map(tuple, found.pop(header, []))) == again.contamination()
    rows = found.pop("source | teacher | revision | prompt | documents | kept of its records", [])
    assert sorted(map(tuple, rows)) == again.teachers()
    for header in [header for header in found if header.startswith(("column | type", "line | stage"))]:
        del found[header]  # columns and settings: no counts
    assert found == {}


def test_every_table_is_found_again_from_the_shards(carded: Result) -> None:
    check_tables(carded, (release(carded) / "README.md").read_text())


def test_every_figure_outside_the_tables_is_found_again(carded: Result) -> None:
    text, again = body((release(carded) / "README.md").read_text()), Recount(carded, root(carded))
    for said in carded.described["card"].values():
        if isinstance(said, str) and len(said) >= len("0.1.0"):
            text = text.replace(said, "")
    text = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    lines = [re.sub(r"`[^`]*`", "", line) for line in text.splitlines() if not line.startswith("|")]
    names = re.compile(r"CC0?-?[A-Z-]*-?\d\.\d|covid-19")
    kept = again.kept
    words, tokens = sum(map(again.words, kept)), sum(row["tokens"] for row in kept)
    unknown = {name: sum(not row[name] for row in kept) for name in ("published", "language", "url")}
    languages = ", ".join(f"{name} ({count})" for name, count in again.counted("language").items())
    python = ".".join(map(str, sys.version_info[:3]))
    sequences = sum(ref.rows for ref in carded.mixture_manifest("demo", "shards").files())
    made = sum(row["teacher"] is not None for row in kept)
    told = f"{made} of {len(kept)} documents ({made / len(kept):.1%}) were generated by a model."
    generated = [told] if made else []
    assert [line for line in lines if re.search(r"\d", names.sub("", line))] == [
        f"- **Languages (documents):** {languages}",
        f"- **Documents:** {len(kept)} kept, {words:,} words, {tokens:,} tokens (estimated)",
        f"- **Profile:** : {len(kept)} of {len(kept)} documents may be released",
        f"Packed for : {sequences} sequences of 256 tokens, one component a sequence, documents complete and never "
        "truncated, in the order of training.",
        "At most 25% of the records may be quarantined. Floors of slices: none.",
        *generated,
        f"- Documents whose date of publication is not known: {unknown['published']} of {len(kept)}.",
        f"- Documents whose language is not known: {unknown['language']} of {len(kept)}.",
        f"- Documents without a URL: {unknown['url']} of {len(kept)}.",
        "- Run , seed 20261120; digest of its last manifest .",
        f"- Environment: Python {python}, digest of all versions .",
    ]


def test_the_hub_takes_its_metadata(carded: Result) -> None:
    text = (release(carded) / "README.md").read_text()
    data = DatasetCard(text).data.to_dict()
    assert data == yaml.safe_load(text.split("---\n")[1])
    check_metadata(data)
    assert data["license"] == "other"
    assert (release(carded) / data["license_link"]).is_file()
    infos = datasets.DatasetInfo
    for told in data["dataset_info"]:
        parts = sorted((release(carded) / "data" / told["config_name"]).glob("*.parquet"))
        assert told["splits"][0]["num_examples"] == sum(pq.read_metadata(part).num_rows for part in parts)
        assert told["download_size"] == sum(part.stat().st_size for part in parts)
        assert infos._from_yaml_dict(dict(told)).features == datasets.Features.from_arrow_schema(
            pq.read_schema(parts[0])
        )
    assert "More Information Needed" not in text


FAULTS = json.loads((Path(__file__).parent / "card_faults.json").read_text())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["field"])
def test_a_metadata_block_that_the_hub_refuses_is_told_by_field(carded: Result, fault: dict[str, object]) -> None:
    data = copy.deepcopy(DatasetCard((release(carded) / "README.md").read_text()).data.to_dict())
    data.update(fault["change"])  # type: ignore[call-overload]
    with pytest.raises(ConfigError, match=str(fault["field"])):
        check_metadata(data)


def test_sizes_and_licences_have_the_hubs_names() -> None:
    assert [size_category(n) for n in (1, 999, 1000, 9_999, 10_000, 2 * 10**12)] == [
        "n<1K", "n<1K", "1K<n<10K", "1K<n<10K", "10K<n<100K", "n>1T",
    ]  # fmt: skip
    assert {"cc-by-4.0", "cc0-1.0", "other"} <= HUB_LICENCES


def test_the_snippet_of_the_card_loads_what_the_run_holds(
    carded: Result, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n(.*?)```", (release(carded) / "README.md").read_text(), re.DOTALL)
    assert code
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.chdir(root(carded))
    names: dict[str, object] = {}
    exec(code[1], names)  # the card's own words
    packed = names["demo"]
    assert packed.to_list() == load_from_disk(root(carded) / carded.mixtures["demo"]).to_list()  # type: ignore[attr-defined]
    assert names["row"] == packed[0]  # type: ignore[index]
    kept = [row["id"] for row in Recount(carded, root(carded)).kept]
    assert names["documents"]["id"][:] == kept  # type: ignore[index]
    assert names["state"]


def test_croissant_is_valid_and_reads_back_every_row(carded: Result) -> None:
    data = mlcroissant.Dataset(str(release(carded) / "croissant.json"), mapping={"repo": str(release(carded))})
    assert data.metadata.ctx.issues.errors == set()
    assert data.metadata.ctx.issues.warnings == set()
    told = json.loads((release(carded) / "croissant.json").read_text())
    assert "http://mlcommons.org/croissant/RAI/1.0" in told["conformsTo"]
    rai = {name for name in told if name.startswith("rai:")}
    assert len(rai) >= 12
    sums = dict(line.split("  ")[::-1] for line in (release(carded) / "SHA256SUMS").read_text().splitlines())
    assert {f["@id"]: f["sha256"] for f in told["distribution"] if f["@id"].startswith("data/")} == sums
    for config in ("demo", "documents"):
        (part,) = (release(carded) / "data" / config).glob("*.parquet")
        wanted = pq.read_table(part).to_pylist()
        rows = list(data.records(config))
        assert len(rows) == len(wanted)
        for row, want in zip(rows, wanted, strict=True):
            for name, value in row.items():
                assert plain(value) == want[name.partition("/")[2]], name


def plain(value: object) -> object:
    """Return what mlcroissant read as Python's own: strings come as bytes, lists as arrays."""
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "tolist"):
        value = value.tolist()
    return list(map(plain, value)) if isinstance(value, list) else value


def test_every_document_is_attributed_and_every_licence_listed(carded: Result) -> None:
    kept = {row["id"]: row for row in Recount(carded, root(carded)).kept}
    with (release(carded) / "ATTRIBUTION.tsv").open(newline="") as lines:
        rows = {row["id"]: row for row in csv.DictReader(lines, delimiter="\t")}
    assert rows.keys() == kept.keys()
    for name, row in rows.items():
        assert (row["licence"], row["url"]) == (kept[name]["rights"]["spdx"], kept[name]["url"] or "")
        assert row["title"] == " ".join((kept[name]["title"] or "").split())
    licences = (release(carded) / "LICENSES.md").read_text()
    for spdx in {row["rights"]["spdx"] for row in kept.values()}:
        assert f"https://spdx.org/licenses/{spdx}.html" in licences


@pytest.fixture(scope="module")
def whole(carded: Result) -> CardFacts:
    return gather(carded, written_layout(carded))


def with_said(facts: CardFacts, **said: object) -> CardFacts:
    return dataclasses.replace(facts, said={**facts.said, **said})


@pytest.mark.parametrize("field", sorted(set(CardConfig.model_fields) - OPTIONAL))
def test_each_missing_field_is_a_hole_with_its_name_and_what_to_add(whole: CardFacts, field: str) -> None:
    assert card_holes(whole) == []
    for nothing in ("", "TODO", "[More Information Needed]", "..."):
        (hole,) = card_holes(with_said(whole, **{field: nothing}))
        assert hole.field == f"card.{field}"
        assert hole.wanted == CardConfig.model_fields[field].description


def test_words_that_say_something_are_no_hole() -> None:
    assert not any(map(is_missing, ("none", "mailto:data@example.org", "2026-11-30", "1.0")))
    assert all(map(is_missing, ("", "tbd", "To be added", "mailto:me@your-institution.org", "-")))


def test_a_hole_ends_the_command_and_nothing_is_written(demo_copy: Path) -> None:
    run(load_run(DEMO, [f"out={demo_copy}", "card.contact=''", "card.sources={}"]), How(inline=True, live=False))
    done = call_medmix("card", demo_copy)
    assert done.returncode == 2
    assert "card.contact: missing; add how to reach the maintainer" in done.stderr
    assert "card.sources.articles.audience: missing" in done.stderr
    assert "card.sources.articles.title" not in done.stderr, "the source's own title will do"
    assert not (demo_copy / "release" / "README.md").exists()


def test_what_people_say_decides_no_byte_of_any_stage(demo_copy: Path) -> None:
    before = digests(demo_copy)
    run(load_run(DEMO, [f"out={demo_copy}", "card.summary=Another."]), How(inline=True, live=False))
    after = digests(demo_copy)
    assert {path for path in before if before[path] != after[path]} == {"result.json"}
    assert after.keys() == before.keys()


def test_a_mixture_that_an_experiment_found_is_told_with_its_verdict(whole: CardFacts) -> None:
    said = "Trained, the proposal is not different beyond noise from natural."
    found = FoundBy(experiment="replay-ratio", verdict=said, evidence="ab" * 32).model_dump(mode="json")
    result = dataclasses.replace(whole.result, described={**whole.result.described, "found_by": {"demo": found}})
    words = card(dataclasses.replace(whole, result=result))
    told = words[words.index("### Mixture demo") :]
    assert "the experiment `replay-ratio`" in told
    assert f"\n> {said}\n" in told
    assert "ab" * 32 in told
    assert said not in card(whole)


def test_a_card_names_an_unknown_source_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"card\.sources\.nobody: unknown source 'nobody'"):
        load_run(DEMO, [f"out={tmp_path}", "card.sources={nobody: {title: No}}"])


def test_changes_since_an_earlier_run_are_counted(carded: Result) -> None:
    facts = gather(carded, written_layout(carded), carded)
    (rows,) = tables_of("\n".join(changes(facts))).values()
    assert all(row[1] == row[2] and row[3] == row[4] for row in rows)
    assert sum(int(row[1]) for row in rows) == len(Recount(carded, root(carded)).kept)


def test_every_column_of_a_release_is_explained(carded: Result) -> None:
    assert set(documents_schema().names) <= COLUMNS.keys()
    assert {name for schema in written_layout(carded).schemas.values() for name in schema.names} <= COLUMNS.keys()


def test_shipped_run_files_say_all_that_a_card_asks() -> None:
    for path in (DEMO, REPOSITORY / "configs/runs/real-sample.yaml", REPOSITORY / "configs/runs/guidelines.yaml"):
        config = load_run(path)
        missing = [n for n in CardConfig.model_fields if n not in OPTIONAL and is_missing(str(getattr(config.card, n)))]
        assert missing == [], path
        for source in config.sources:
            note = config.card.sources.get(source.name)
            for name in ("title", "audience", "region"):
                own = source.title if name == "title" else getattr(source.about, name, "")
                assert not is_missing(getattr(note, name, "") or own), (path, source.name, name)


@pytest.fixture
def real_card(real_run: Path) -> Result:
    result = read_result(real_run)
    list(write_beside(result))
    return result


@pytest.mark.nightly
@pytest.mark.real
def test_the_card_of_the_real_sample(real_card: Result) -> None:
    text = (release(real_card) / "README.md").read_text()
    check_metadata(DatasetCard(text).data.to_dict())
    check_tables(real_card, text)
    data = mlcroissant.Dataset(str(release(real_card) / "croissant.json"), mapping={"repo": str(release(real_card))})
    assert data.metadata.ctx.issues.errors == set()
    for config in written_layout(real_card).schemas:
        rows = data.records(config)
        assert sum(1 for _, row in zip(range(100), rows, strict=False) if row) == 100, config
