"""Plain text and Markdown: the text itself, byte for byte, with its front matter read."""

from typing import Any

import pytest

from sources.parse.part import Part, Unreadable
from sources.parse.text import parse

CLINICAL = (
    "CD4 <200 cells/µL, SpO2 <90% or RR >30\noxygen 2 L/min\nor refer\n12.5 25 50\n"
    "10³/µL [HbA1c ≥ 6.5%]\n5 µg | 0.5 mg\n"
)


def read(text: str, key: str = "a.md", **options: Any) -> Part:
    (part,) = parse(text.encode(), key, options)
    assert isinstance(part, Part)
    return part


@pytest.mark.parametrize("key", ["a.md", "a.txt"])
def test_text_is_not_rewritten(key: str) -> None:
    part = read(CLINICAL, key)
    assert part.text == CLINICAL
    assert part.extra == {}


def test_front_matter_becomes_facts() -> None:
    head = (
        "---\ntitle: Care\nlanguage: en\ndate: 2024-05-01\nurl: https://x.org/a\nlicense: CC-BY-4.0\ntags:\n- a\n---\n"
    )
    part = read(f"{head}\n# Care\n\n{CLINICAL}")
    assert part.text == f"# Care\n\n{CLINICAL}"
    assert (part.title, part.language, part.published) == ("Care", "en", "2024-05-01")
    assert (part.url, part.spdx, part.licence_text) == ("https://x.org/a", "CC-BY-4.0", "CC-BY-4.0")
    assert part.extra["edits"] == ["front_matter"]


@pytest.mark.parametrize("head", ["---\na: [b\n---\n", "---\njust a line between rules\n---\n"])
def test_what_is_not_front_matter_stays(head: str) -> None:
    assert read(head + CLINICAL).text == head + CLINICAL


def test_sections_from_headings_outside_fences() -> None:
    part = read("# A\n\n```\n# not a heading\n```\n\n## B ##\n\n5 mg\n")
    assert [section.path for section in part.sections] == ["A", "A > B"]
    assert part.text[part.sections[1].start :] == "## B ##\n\n5 mg\n"
    assert read("# A\n\n5 mg\n", "a.txt").sections == []
    assert len(read("# A\n\n5 mg\n", "a.txt", sections="markdown").sections) == 1


def test_title_is_a_short_first_line_or_none() -> None:
    assert read("ACUTE ABDOMEN\nIntroduction\n", "a.txt").title == "ACUTE ABDOMEN"
    assert read("This sentence opens the text.\nMore.\n", "a.txt").title is None


def test_front_matter_alone_is_no_text() -> None:
    with pytest.raises(Unreadable) as caught:
        read("---\ntitle: x\n---\n")
    assert caught.value.reason == "no_text"
