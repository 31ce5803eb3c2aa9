"""Which files a source has: patterns, links, what cannot be read, digests, shards, and the tables beside them."""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.hashing import seal, unseal
from sources.archive import Limits, iter_range
from sources.archive_item import Item
from sources.catalog import SourceConfig
from sources.digests import DigestCache
from sources.files import RawFile, folder_of, into_shards, list_files, matches_pattern
from sources.tables import HeldOut, Origin, by_file, read_held_out, read_url_table

GLOBS = json.loads(Path(__file__).with_name("glob_cases.json").read_text())
OLD_NS = 1_600_000_000_000_000_000


def config(**settings: Any) -> SourceConfig:
    return SourceConfig.model_validate({"name": "who", "kind": "guideline", "path": ".", **settings})


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"text of {name}")
    return folder


def keys(folder: Path, **settings: Any) -> list[str]:
    return [file.key for file in list_files(config(**settings), folder, DigestCache(folder / ".cache"))]


@pytest.mark.parametrize("case", GLOBS, ids=lambda case: case["pattern"])
def test_patterns(case: dict[str, Any]) -> None:
    paths = case["yes"] + case["no"]
    assert [path for path in paths if matches_pattern(path, case["pattern"])] == case["yes"]


def test_many_stars_are_no_trap() -> None:
    assert not matches_pattern("/".join("abcdefghijklmnopqrstuvwxyz"), "**/" * 30 + "*/**/x")


def test_listing_is_sorted_filtered_and_without_hidden_files(tmp_path: Path) -> None:
    fill(tmp_path, "b.xml", "a/z.xml", "a.xml", "a/note.txt", ".git/x.xml", "a/.hidden.xml", "urls.tsv", "old/q.xml")
    assert keys(tmp_path, include=["*.xml", "urls.tsv"], exclude=["old/"], urls="urls.tsv") == [
        "a.xml",
        "a/z.xml",
        "b.xml",
    ]
    assert keys(tmp_path / "b.xml") == ["b.xml"]


def test_digest_and_size_are_those_of_the_content(tmp_path: Path) -> None:
    [file] = list_files(config(), fill(tmp_path, "a.txt"), DigestCache(tmp_path / ".cache"))

    assert file.size_bytes == len("text of a.txt")

    assert file.sha256 == hashlib.sha256(b"text of a.txt").hexdigest()


def test_what_the_run_writes_is_no_input_wherever_it_lies(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", "out/events.txt", "out/more/b.txt", "outside/c.txt")
    cache = DigestCache(Path("/nonexistent"))
    out = tmp_path / "outside" / ".." / "out"
    assert [file.key for file in list_files(config(), tmp_path, cache, [out])] == ["a.txt", "outside/c.txt"]
    for inside in (tmp_path / "out", tmp_path / "out" / "more", tmp_path / "out" / "events.txt"):
        with pytest.raises(ConfigError, match=r"lies in .*/out, which this run writes; move one of them"):
            list_files(config(), inside, cache, [out])


def test_no_match_is_told_with_the_patterns_unless_optional(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    with pytest.raises(InputError, match=r"who: .* has 1 files, none matches include \('\*\.xml',\)"):
        keys(tmp_path, include=["*.xml"])
    assert keys(tmp_path, include=["*.xml"], optional=True) == []


def test_links_within_the_folder_are_files_of_their_own_and_folders_are_walked_once(tmp_path: Path) -> None:
    fill(tmp_path, "a/x.txt")
    (tmp_path / "again.txt").symlink_to(tmp_path / "a/x.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "twin").symlink_to(tmp_path / "a")
    assert keys(tmp_path) == ["a/x.txt", "again.txt"]


@pytest.mark.parametrize("target", ["secret.txt", "."])
def test_a_link_out_of_the_folder_is_followed_only_as_declared(tmp_path: Path, target: str) -> None:
    fill(tmp_path / "elsewhere", "secret.txt")
    inside = fill(tmp_path / "inside", "a.txt")
    (inside / "link").symlink_to(tmp_path / "elsewhere" / target)
    with pytest.raises(InputError, match=r"inside/link is a link out of the folder, to .*elsewhere.*follow_links"):
        keys(inside)
    brought = "link" if target != "." else "link/secret.txt"
    assert keys(inside, follow_links=True) == ["a.txt", brought]
    assert keys(inside, exclude=["link", "link/**"]) == ["a.txt"]


def test_a_linked_root_is_no_link_out(tmp_path: Path) -> None:
    fill(tmp_path / "real", "a.txt")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert keys(tmp_path / "root") == ["a.txt"]


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere.txt")
    with pytest.raises(InputError, match=r"gone\.txt is a link to .*nowhere\.txt, which is not there"):
        keys(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("name", ["locked.txt", "locked"])
def test_what_may_not_be_read_is_told(tmp_path: Path, name: str) -> None:
    fill(tmp_path, name if "." in name else f"{name}/a.txt")
    (tmp_path / name).chmod(0)
    with pytest.raises(InputError, match=rf"{name}: cannot be"):
        keys(tmp_path)
    (tmp_path / name).chmod(0o700)


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a/x.txt")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(InputError, match="/a: cannot be listed: Permission denied"):
        keys(tmp_path)


def test_a_name_that_is_not_utf8_is_told_and_can_be_excluded(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt")
    name = os.fsencode(tmp_path) + b"/caf\xe9.txt"
    os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
    with pytest.raises(InputError, match=r"caf\\xe9\.txt' is not UTF-8"):
        keys(tmp_path)
    assert keys(tmp_path, exclude=["caf?.txt"]) == ["a.txt"]


def test_a_file_that_vanishes_before_its_digest_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.txt: cannot be read: No such file"):
        DigestCache(tmp_path / "c").digest(tmp_path / "gone.txt")


def aged(path: Path, text: str) -> Path:
    path.write_text(text)
    os.utime(path, ns=(OLD_NS, OLD_NS))
    return path


def test_the_cache_is_used_only_while_the_file_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sources.digests.FRESH_NS", -1)
    file, where = aged(tmp_path / "a.txt", "one"), tmp_path / "cache.json"
    cache = DigestCache(where)
    first = cache.digest(file)
    cache.save()
    planted = unseal(where.read_bytes(), "cache")
    planted["files"][str(file)][4] = "0" * 64
    where.write_bytes(seal(planted))
    assert DigestCache(where).digest(file) == (3, "0" * 64)
    assert DigestCache(where).digest(aged(file, "two")) != (3, "0" * 64)
    assert DigestCache(where).digest(aged(file, "one")) == first


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path: Path) -> None:
    cache = DigestCache(tmp_path / "cache.json")
    cache.digest(fill(tmp_path, "a.txt") / "a.txt")
    cache.save()
    assert unseal((tmp_path / "cache.json").read_bytes(), "cache") == {"files": {}}


@pytest.mark.parametrize(
    "damage",
    [
        "",
        "{",
        "[]",
        "null",
        '{"FILE": null}',
        '{"files": {"FILE": [3, 1, 1, 1, "x"]}}',
        "[" * 9999,
    ],
)
def test_a_damaged_cache_is_as_good_as_none(tmp_path: Path, damage: str) -> None:
    file, where = fill(tmp_path, "a.txt") / "a.txt", tmp_path / "cache.json"
    where.write_text(damage.replace("FILE", str(file)))
    assert DigestCache(where).digest(file) == DigestCache(tmp_path / "none").digest(file)


def test_threads_share_a_cache(tmp_path: Path) -> None:
    files = [aged(tmp_path / f"{at}.txt", str(at) * 1000) for at in range(40)] * 5
    cache = DigestCache(tmp_path / "cache.json")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(cache.digest, files))
    assert found == [DigestCache(tmp_path / "none").digest(file) for file in files]


def test_a_folder_is_found_by_environment_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_DATA", str(tmp_path))
    monkeypatch.delenv("NO_DATA", raising=False)
    assert folder_of(config(path="${SOME_DATA}"), Path("/")) == tmp_path
    with pytest.raises(ConfigError, match=r"who: path '\$NO_DATA/x' names a variable that is not set"):
        folder_of(config(path="$NO_DATA/x"), tmp_path)
    with pytest.raises(InputError, match="absent does not exist"):
        folder_of(config(path="absent"), tmp_path)
    assert folder_of(config(path="absent", optional=True), tmp_path) is None
    assert folder_of(config(path="$NO_DATA/x", optional=True), tmp_path) is None


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=12), st.integers(1, 60))
def test_shards_hold_every_file_once_in_order(sizes: list[int], shard_bytes: int) -> None:
    files = [RawFile(f"{at:02}.txt", Path(f"{at:02}.txt"), size, "") for at, size in enumerate(sizes)]
    shards = list(into_shards(files, shard_bytes))
    assert [one.file for shard in shards for one in shard] == files
    assert all(sum(one.file.size_bytes for one in shard[:-1]) <= shard_bytes for shard in shards)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.text("ab ", max_size=12), max_size=25), st.integers(1, 60), st.booleans())
def test_every_line_is_in_exactly_one_range(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], shard_bytes: int, ends: bool
) -> None:
    path = tmp_path_factory.mktemp("ranges") / "rows.jsonl"
    body = "\n".join(f"{at}{line}" for at, line in enumerate(lines)) + ("\n" if ends and lines else "")
    path.write_text(body)
    [*shards] = into_shards([RawFile("rows.jsonl", path, len(body), "")], shard_bytes)
    found = []
    for [part] in shards:
        whole = iter_range(path, part.start, part.end if part.end is not None else len(body), "rows.jsonl", Limits())
        found += [line for item in whole if isinstance(item, Item) for line in item.body.decode().splitlines()]
    assert found == body.splitlines()


def test_only_lines_are_cut_and_only_when_they_are_read_as_lines() -> None:
    files = [RawFile("a.jsonl", Path("a.jsonl"), 100, ""), RawFile("b.json", Path("b.json"), 100, "")]
    assert [len(shard) for shard in into_shards(files, 30)] == [1, 1, 1, 1, 1]
    assert [shard[0].end for shard in into_shards(files, 30, cut=())] == [None, None]


def table(folder: Path, text: str, encoding: str = "utf-8") -> dict[str, Origin]:
    (folder / "urls.tsv").write_bytes(text.encode(encoding))
    return read_url_table(folder, "urls.tsv")


def test_odd_rows_of_a_url_table(tmp_path: Path) -> None:
    rows = (
        "Title\tURL \tfile\tretrieved\r\n"
        "A\u2028B\thttps://a.org/\t./a.html\t2024-05-01\r\n"
        "\t https://b.org/ \tb.html\tyesterday\textra\tcells\r\n"
        "\r\nshort row\n"
        "no file\thttps://c.org/\n"
        "no url\t\td.html\t2024-05-01T10:00:00Z\n"
        "\thttps://m.org/\tz.tar.gz!m/1.xml"
    )
    assert table(tmp_path, "\ufeff" + rows) == {
        "a.html": Origin("https://a.org/", "2024-05-01"),
        "b.html": Origin("https://b.org/", None),
        "d.html": Origin("", "2024-05-01T10:00:00Z"),
        "z.tar.gz!m/1.xml": Origin("https://m.org/", None),
    }


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        ("", "utf-8", "needs the columns file"),
        ("a.html\thttps://a.org", "utf-8", "needs the columns file"),
        ("file\tlink\nx\ty", "utf-8", "needs the columns file"),
        ("file\turl\n\xe9\tx", "latin-1", "cannot be read"),
        ("file\turl\na\thttps://a.org\na\thttps://b.org", "utf-8", r"urls\.tsv:3: a has another origin"),
    ],
)
def test_a_url_table_that_cannot_be_used_is_told(tmp_path: Path, text: str, encoding: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        table(tmp_path, text, encoding)


def test_rows_go_to_the_file_their_key_lies_in() -> None:
    rows = {
        key: Origin(key, None)
        for key in ("a.tar!m", "a.tar", "odd!name.html", "b.jsonl#7", "nowhere", "odd!name.html!m")
    }
    found = by_file(rows, ["a.tar", "odd!name.html", "b.jsonl"])
    assert {file: sorted(part) for file, part in found.items()} == {
        "a.tar": ["a.tar", "a.tar!m"],
        "odd!name.html": ["odd!name.html", "odd!name.html!m"],
        "b.jsonl": ["b.jsonl#7"],
    }


@pytest.mark.parametrize("text", ['{"12": "yes", "13": 1}', '["12", "13"]', "[12, 13]"])
def test_held_out_records_are_keys_or_items(tmp_path: Path, text: str) -> None:
    (tmp_path / "test.json").write_text(text)
    held = read_held_out(tmp_path, "test.json")
    assert [held.holds(name, f"q.json#{name}") for name in ("12", "13", "14", "")] == [True, True, False, False]
    assert HeldOut(["q.json#14"]).holds("14", "q.json#14")
    assert held.identity() == HeldOut(["13", "12"]).identity() != HeldOut(["12"]).identity()
    assert HeldOut().identity() is None


@pytest.mark.parametrize("text", ["", "{", '"12"', "12", "null", "[[1]]", "[1.5]", "[null]", "[]", "{}", "[" * 9999])
def test_a_held_out_list_that_cannot_be_used_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "test.json").write_text(text)
    with pytest.raises(InputError, match=r"test\.json: the list of held-out records"):
        read_held_out(tmp_path, "test.json")
