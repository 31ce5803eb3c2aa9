"""Nested guidance: every scalar comes out as written, and a sign is never read as a tag."""

import gzip
import html
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sources.parse.as_written import REFUSALS, documents_of, load, load_yaml
from sources.parse.html_string import read_string
from sources.parse.part import Fault, Part, Unreadable
from sources.parse.structured import parse

CASES = json.loads(Path(__file__).with_name("structured_cases.json").read_text(encoding="utf-8"))


def parts(value: Any, **options: Any) -> list[Part | Fault]:
    return list(parse(json.dumps(value).encode(), "a.json", options))


@pytest.mark.parametrize("case", CASES["strings"], ids=lambda case: case["in"])
def test_strings(case: dict[str, str]) -> None:
    assert read_string(case["in"]) == case["out"]


@pytest.mark.xfail(reason="an unclosed block tag beside true tags is taken for HTML")
@pytest.mark.parametrize("case", CASES["known_failures"], ids=lambda case: case["in"])
def test_known_failures(case: dict[str, str]) -> None:
    assert read_string(case["in"]) == case["out"]


@pytest.mark.parametrize("case", CASES["files"], ids=lambda case: case["body"][:30])
def test_files(case: dict[str, str]) -> None:
    [part] = parse(case["body"].encode(), case["key"], {})
    assert isinstance(part, Part)
    assert part.text == case["text"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["body"][:30])
def test_refused(case: dict[str, str]) -> None:
    with pytest.raises(Unreadable) as caught:
        list(parse(case["body"].encode(), case["key"], {}))
    assert caught.value.reason == case["reason"]


@pytest.mark.parametrize(("key", "body"), [("a.json", b"[" * 9000 + b"]" * 9000), ("a.yaml", b"a: " + b"[" * 9000)])
def test_bottomless_nesting_is_refused(key: str, body: bytes) -> None:
    with pytest.raises(Unreadable, match="invalid_"):
        list(parse(body, key, {}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("dose: 1\u2028to 2 mg", {"dose": "1\u2028to 2 mg"}),
        ("\ufeff\n\ufeffdose: 5 mg", {"\ufeffdose": "5 mg"}),
        ("dose: 1.10 \t\nrange: [1.0, 2e3, ~]\n", {"dose": "1.10", "range": ["1.0", "2e3", None]}),
        ("a: 1\n---\nb: no\n", [{"a": "1"}, {"b": "no"}]),
    ],
)
def test_yaml_is_read_as_version_1_2_with_scalars_as_written(text: str, value: Any) -> None:
    assert load_yaml(text) == value


PIECES = (
    "a: 1.10", "b: [x, 'y', \"z\\n\"]", "- 1e3", "- yes", "key: |\n  one\n   more\n\n", "f: >-\n  a\n  b\n", "? c",
    ": v", "&x d", "*x", "!!str 5", "!t v", "{a: b}", "'it''s'", "# n", "---", "...", "%YAML 1.1", "<<: {a: 1}", "010",
    "1:30", "k: 5 mg # note", "null: ~", "'':", "s: !!set {a, b}", "t: !!timestamp 2001-01-01", "é", "日本", "\\",
    "plain\n  multi",
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["\n", " ", "", "\n  "])), max_size=7))
@settings(max_examples=300)
def test_what_libyaml_reads_is_what_python_reads(pieces: list[tuple[str, str]]) -> None:
    text = "".join(piece + end for piece, end in pieces)
    try:
        wanted = documents_of(text, pure=True)
    except REFUSALS:
        return  # libyaml passes over tabs at the ends of lines, which YAML allows
    try:
        assert documents_of(text, pure=False) == wanted
    except REFUSALS:
        assert load_yaml(text) == (wanted[0] if len(wanted) == 1 else wanted)


def test_items_under_a_root_with_title_name_url_and_date() -> None:
    value = {
        "topics": [
            {"id": 7, "head": "Malaria", "when": "2024-05-01T10:00", "link": "https://a.org", "body": {"dose": "5 mg"}},
            {"id": 8, "head": "", "when": "May 3, 2024", "body": None},
            {"head": "Cholera", "body": "ORS"},
        ]
    }
    options = {"root": "topics", "title": "head", "name": "id", "url": "link", "published": "when"}
    first, empty, last = parts(value, **options, skip=["id", "head", "when", "link"])
    assert isinstance(first, Part)
    assert (first.name, first.title, first.url, first.published) == ("7", "Malaria", "https://a.org", "2024-05-01")
    assert first.text == "# Malaria\n\n## body\n\ndose: 5 mg"
    assert [(s.path, first.text[s.start : s.end]) for s in first.sections] == [
        ("Malaria", "# Malaria\n\n"),
        ("Malaria > body", "## body\n\ndose: 5 mg"),
    ]
    assert isinstance(empty, Fault)
    assert (empty.reason, empty.name) == ("no_text", "8")
    assert isinstance(last, Part)
    assert (last.name, last.text, last.published) == ("2", "# Cholera\n\nbody: ORS", None)


def test_a_root_that_is_not_there_is_told() -> None:
    with pytest.raises(Unreadable, match="no_rows_at_root"):
        parts({"a": 1}, root="b.c")


def test_the_top_may_be_a_list_of_items() -> None:
    assert [part.name for part in parts([{"a": "x"}, {"a": "y"}], root="")] == ["0", "1"]
    assert len(parts([{"a": "x"}, {"a": "y"}])) == 1


LEAF = st.text(st.characters(codec="utf-8", exclude_characters="<>"), min_size=1, max_size=12).filter(str.strip)
TREE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LEAF, inner, max_size=4))


def leaves(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for value in node.values():
            yield from leaves(value)
    elif isinstance(node, list):
        for value in node:
            yield from leaves(value)
    elif node is not None:
        yield str(node)


@settings(max_examples=150, deadline=None)
@given(TREE)
def test_every_string_comes_out_in_order_and_sections_cover_their_headings(tree: Any) -> None:
    [part] = parts(tree)
    expected = [leaf.strip() for leaf in leaves(tree)]
    if isinstance(part, Fault):
        assert expected == []
        return
    at = 0
    for leaf in expected:
        at = part.text.index(leaf, at) + len(leaf)
    for section in part.sections:
        assert part.text[section.start] == "#"
        assert section.start < section.end <= len(part.text)


@settings(max_examples=150, deadline=None)
@given(st.text("<>/bipq 5=a\"'", max_size=25))
def test_signs_beside_digits_never_vanish(text: str) -> None:
    text = f"CD4 <200 {text} >5 mg"
    assert read_string(text).startswith("CD4 <200")
    assert read_string(text).endswith(">5 mg")
    assert read_string(text).count("5") == text.count("5")


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


@pytest.mark.real
@pytest.mark.skipif("MEDMIX_DATA" not in os.environ, reason="MEDMIX_DATA is not set")
def test_every_leaf_of_real_guidance_comes_out() -> None:
    folder = Path(os.environ["MEDMIX_DATA"]) / "guidelines_structured"
    files = [p for p in sorted(folder.rglob("*")) if re.search(r"\.(json|ya?ml)(\.gz)?$", p.name)]
    if not files:
        pytest.skip("no guidelines_structured in MEDMIX_DATA")
    for path in files:
        body = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        [part] = parse(body, path.name, {})
        assert isinstance(part, Part), path.name
        have = "".join(words(part.text))
        at = 0
        for leaf in leaves(load(body, path.name)):
            plain = leaf if read_string(leaf) == leaf.strip() else html.unescape(re.sub(r"<[^>]*>", " ", leaf))
            for word in words(plain):
                if re.fullmatch(r"\d+", word):  # raised digits become other characters
                    continue
                found = have.find(word, at)
                assert found >= 0, f"{path.name}: a word of a leaf is missing after character {at}"
                at = found
