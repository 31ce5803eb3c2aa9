"""The selection from a mirror of the bucket: frozen, reproducible, excluded with reasons, and its diff."""

from pathlib import Path

import pytest
from fakes.pmc import INVENTORIES, Bucket
from fakes.pmc_runs import decided, documents, fetched, reasons, releases, run_file

from pipelines.engine.errors import ConfigError, InputError
from pipelines.load import load_run
from pipelines.plan import Unfetched
from pipelines.run import expect


@pytest.fixture
def bucket() -> Bucket:
    made = Bucket()
    for number in range(1, 11):
        made.put(number)
    return made


def mirror(bucket: Bucket, folder: Path, date: str = "2026-11-01") -> Path:
    """Write an inventory of the bucket, and the bucket as a folder."""
    bucket.inventory(date)
    bucket.write(folder / "mirror")
    return folder / "mirror"


def test_flags_and_older_versions_are_left_out_with_their_reason(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(1, version=2)
    bucket.put(2, retracted=True)
    bucket.put(3, historical_ocr=True)
    fetched(run_file(tmp_path, mirror(bucket, tmp_path), "r1"))
    (release,) = releases(tmp_path)
    assert reasons(decided(tmp_path, release).values()) == {
        "PMC1.1": "dropped superseded",
        "PMC2.1": "dropped retracted",
        "PMC3.1": "dropped historical_ocr",
    }
    assert sum(packed.file.rows for packed in release.packs) == 8


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        ({"licences": ["cc by-nc"]}, {"PMC11.1"}),
        ({"licences": ["none"]}, {"PMC12.1"}),
        ({"article_types": ["case-report"]}, {"PMC13.1"}),
        ({"languages": ["pt"]}, {"PMC14.1"}),
        ({"mesh": ["malaria"]}, {"PMC15.1"}),
        ({"journals": ["plos med"]}, {"PMC16.1"}),
        ({"published_from": "2024", "published_to": "2024-06"}, {"PMC16.1"}),
        ({"title_terms": ["oral rehydration"]}, {"PMC17.1"}),
        ({"ids": ["PMC3", 30000004]}, {"PMC3.1", "PMC4.1"}),
        ({"ids": ["PMC18"], "historical_ocr": True, "retracted": True}, {"PMC18.1"}),
        ({"versions": "all", "ids": ["PMC19"]}, {"PMC19.1", "PMC19.2"}),
    ],
)
def test_each_part_of_the_selection(bucket: Bucket, tmp_path: Path, selection: dict, kept: set[str]) -> None:
    bucket.put(11, licence="CC BY-NC")
    bucket.put(12, licence=None)
    bucket.put(13, article_type="case-report")
    bucket.put(14, language="pt-BR")
    bucket.put(15, mesh=("Malaria", "Child"))
    bucket.put(16, citation="PLoS Med. 2024 May;9(1):e1.")
    bucket.put(17, title="Oral rehydration at home")
    bucket.put(18, historical_ocr=True, retracted=True)
    bucket.put(19)
    bucket.put(19, version=2)
    fetched(run_file(tmp_path, mirror(bucket, tmp_path), "r1", **selection))
    (release,) = releases(tmp_path)
    assert {name for name, one in decided(tmp_path, release).items() if one.outcome == "kept"} == kept


def test_the_same_inventory_gives_the_same_packs_anywhere(bucket: Bucket, tmp_path: Path) -> None:
    root = mirror(bucket, tmp_path)
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        fetched(run_file(tmp_path / place, root, "r1", connections=1 if place == "one" else 8))
    (one,), (two,) = releases(tmp_path / "one"), releases(tmp_path / "two")
    assert one == two


def test_documents_carry_key_release_rights_and_identifiers(bucket: Bucket, tmp_path: Path) -> None:
    path = run_file(tmp_path, mirror(bucket, tmp_path), "r1", ids=["PMC7"])
    fetched(path)
    (document,) = documents(path)
    assert (document.key, document.release, document.version) == ("PMC7.1", "r1", "1")
    assert document.rights.spdx == "CC-BY-4.0"
    assert document.identifiers == {"doi": "10.5555/fake.7", "pmcid": "PMC7", "pmid": "30000007"}
    assert "7.5 mg" in document.text


def test_a_second_inventory_changes_only_what_it_touches(bucket: Bucket, tmp_path: Path) -> None:
    first = run_file(tmp_path, mirror(bucket, tmp_path), "r1")
    fetched(first)
    before = {one.key: one for one in documents(first)}
    bucket.put(2, sentence="The second edition of cohort two.")
    bucket.put(3, retracted=True)
    bucket.put(4, version=2)
    bucket.remove("PMC5.1")
    bucket.put(40)
    second = run_file(tmp_path, mirror(bucket, tmp_path, "2026-11-02"), "r2")
    (froze,) = fetched(second).frozen
    assert froze.release.changes == {
        "changed": 1, "gone": 1, "new": 2, "retracted": 1, "superseded": 1, "unchanged": 6
    }  # fmt: skip
    one, two = (release.packs for release in releases(tmp_path))
    touched = {index for index, pair in enumerate(zip(one, two, strict=True)) if pair[0].file != pair[1].file}
    assert 0 < len(touched) <= 4
    planned = {item.stage: item for item in expect(load_run(second))[1]}
    assert planned["extract-pmc"].cached == 4 - len(touched)
    after = {one.key: one for one in documents(second)}
    assert after.keys() == before.keys() - {"PMC3.1", "PMC4.1", "PMC5.1"} | {"PMC4.2", "PMC40.1"}
    assert {key for key, document in after.items() if document.release == "r2"} == {"PMC2.1", "PMC4.2", "PMC40.1"}
    unchanged = after.keys() & before.keys() - {"PMC2.1"}
    assert all(after[key] == before[key] for key in unchanged)
    assert [one.key for one in documents(first)] == sorted(before)  # a release that is pinned stays what it was


def test_a_run_says_what_to_fetch_and_never_fetches(bucket: Bucket, tmp_path: Path) -> None:
    path = run_file(tmp_path, mirror(bucket, tmp_path), "r1")
    with pytest.raises(Unfetched, match="source pmc is not in the crawl store"):
        documents(path)
    fetched(path)
    assert fetched(path).frozen[0].manifest is None  # sealed: nothing to do
    with pytest.raises(Unfetched):
        documents(run_file(tmp_path, tmp_path / "mirror", "r2"))


def test_another_selection_needs_another_release(bucket: Bucket, tmp_path: Path) -> None:
    root = mirror(bucket, tmp_path)
    fetched(run_file(tmp_path, root, "r1"))
    with pytest.raises(ConfigError, match="'r1' was frozen from inventory 2026-11-01T01-00Z with another selection"):
        fetched(run_file(tmp_path, root, "r1", licences=["CC0"]))
    with pytest.raises(ConfigError, match="packs was 4 in release r1 and cannot become 8"):
        fetched(run_file(tmp_path, root, "r2", packs=8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda bucket: bucket.objects.pop(f"{INVENTORIES}/2026-11-01T01-00Z/manifest.json"),
            "no inventory at all with a manifest.json",
        ),
        (
            lambda bucket: bucket.objects.update({f"{INVENTORIES}/2026-11-01T01-00Z/manifest.json": b"{}"}),
            "not a manifest of CSV files",
        ),
        (
            lambda bucket: bucket.objects.update({k: b"" for k in bucket.objects if k.endswith(".csv.gz")}),
            "but the manifest of inventory 2026-11-01T01-00Z says",
        ),
    ],
)
def test_a_damaged_inventory_is_told(bucket: Bucket, tmp_path: Path, damage, message: str) -> None:  # noqa: ANN001
    bucket.inventory("2026-11-01")
    damage(bucket)
    bucket.write(tmp_path / "mirror")
    with pytest.raises(InputError, match=message):
        fetched(run_file(tmp_path, tmp_path / "mirror", "r1"))


def test_an_inventory_that_is_not_whole_yet_is_passed_over(bucket: Bucket, tmp_path: Path) -> None:
    bucket.inventory("2026-11-01")
    bucket.objects[f"{INVENTORIES}/2026-11-02T01-00Z/manifest.checksum"] = b""
    bucket.write(tmp_path / "mirror")
    (froze,) = fetched(run_file(tmp_path, tmp_path / "mirror", "r1")).frozen
    assert froze.release.inventory.name == "2026-11-01T01-00Z"


def test_what_is_wrong_in_the_bucket_is_quarantined(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put(1, md5="0" * 32)
    root = mirror(bucket, tmp_path)
    (root / "PMC2.1/PMC2.1.xml").write_bytes(bucket.objects["PMC2.1/PMC2.1.xml"][:200])
    (root / "metadata/PMC3.1.json").unlink()
    (root / "metadata/PMC4.1.json").write_bytes(b'{"pmcid": "PMC4", "version": 1}')
    bucket.objects["metadata/PMC5.1.json"] = bucket.objects["metadata/PMC6.1.json"]
    bucket.objects["metadata/PMC7.1.json"] = b'{"pmcid": "PMC7", "version": 1, "is_retracted": "no"}'
    bucket.objects["metadata/PMC8.1.json"] = b'{"pmcid": "PMC8", "version": 1, "xml_url": "s3://b/../x.xml"}'
    for key in ("metadata/PMC5.1.json", "metadata/PMC7.1.json", "metadata/PMC8.1.json"):
        (root / key).write_bytes(bucket.objects[key])
    bucket.inventory("2026-11-02")
    for key, body in bucket.objects.items():
        if "2026-11-02" in key or "csv.gz" in key:
            (root / key).parent.mkdir(parents=True, exist_ok=True)
            (root / key).write_bytes(body)
    fetched(run_file(tmp_path, root, "r1"))
    (release,) = releases(tmp_path)
    assert reasons(decided(tmp_path, release).values()) == {
        "PMC1.1": "quarantined md5_mismatch",
        "PMC2.1": "quarantined md5_mismatch",
        "PMC3.1": "quarantined missing",
        "PMC4.1": "quarantined changed_since_inventory",
        "PMC5.1": "quarantined bad_metadata",
        "PMC7.1": "quarantined bad_metadata",
        "PMC8.1": "dropped no_xml",
    }
