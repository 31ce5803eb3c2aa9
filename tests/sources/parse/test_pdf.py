"""The PDF parser on small files written here: reading order, running lines, headings, tables, refusals."""

from typing import Any

import pytest

from sources.parse.part import Part, Unreadable
from sources.parse.pdf import parse

BODY = (
    "Give oral rehydration salts after each loose stool and continue feeding. Zinc is given for ten to fourteen "
    "days. Look for signs of severe dehydration at every visit and refer the child without delay when one is seen. "
)


def make_pdf(pages: list[Any], *, title: str = "", info_date: str = "", lang: str = "") -> bytes:
    """Return a PDF; a page is a list of (x, y, size, text), (x, y, size, text, font F1 regular or F2 bold), or rules:
    ("rule", x0, y0, x1, y1)."""
    objects = ["", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>")
    kids = []
    for page in pages:
        ops = []
        ops += ["q 500 0 0 700 50 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q" for op in page if op[0] == "image"]
        for kind, x0, y0, x1, y1 in [op for op in page if op[0] in ("rule", "box")]:
            ops.append(f"{x0} {y0} m {x1} {y1} l S" if kind == "rule" else f"{x0} {y0} {x1 - x0} {y1 - y0} re S")
        for x, y, size, text, *font in [op for op in page if not isinstance(op[0], str)]:
            plain = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
            ops.append(f"BT /{font[0] if font else 'F1'} {size} Tf 1 0 0 1 {x} {y} Tm ({plain}) Tj ET")
        data = "\n".join(ops)
        objects.append(f"<< /Length {len(data.encode('cp1252'))} >>\nstream\n{data}\nendstream")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[0] = f"<< /Type /Catalog /Pages 2 0 R {f'/Lang ({lang})' if lang else ''} >>"
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    objects.append(f"<< /Title ({title}) /CreationDate ({info_date}) >>")
    out, offsets = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{text}\nendobj\n".encode("cp1252")
    xref = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    return out + (
        f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{xref}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R "
        f"/Info {len(objects)} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    ).encode("cp1252")


def column(x: int, top: int, words: list[str], per_line: int = 6, size: int = 10) -> list[Any]:
    """Return lines of `words` set from (x, top) downwards."""
    rows = [" ".join(words[i : i + per_line]) for i in range(0, len(words), per_line)]
    return [(x, top - 12 * i, size, row) for i, row in enumerate(rows)]


def read(pages: list[Any], **kwargs: str) -> Part:
    (part,) = parse(make_pdf(pages, **kwargs), "key", {})
    assert isinstance(part, Part)
    return part


def test_two_columns_are_read_one_after_the_other_although_drawn_line_by_line() -> None:
    left, right = [f"left{i:03d}" for i in range(60)], [f"right{i:03d}" for i in range(60)]
    mixed = [line for pair in zip(column(50, 700, left, 5), column(320, 700, right, 5), strict=True) for line in pair]
    title = (50, 760, 18, "A Full Width Title Over Both Columns of the Page")
    words = read([[*mixed, title]]).text.split()
    assert [w for w in words if w.startswith(("left", "right"))] == left + right
    assert words.index("Title") < words.index("left000")


def test_three_columns_are_read_from_left_to_right() -> None:
    columns = [[f"{name}{i:03d}" for i in range(40)] for name in ("one", "two", "six")]
    lines = [line for x, words in zip((40, 220, 400), columns, strict=True) for line in column(x, 700, words, 4)]
    assert read([sorted(lines, key=lambda line: -line[1])]).text.split() == [
        word for words in columns for word in words
    ]


def test_a_dose_table_across_two_columns_keeps_its_rows() -> None:
    words = [f"word{i:03d}" for i in range(60)]
    rows = [("Weight", "Amoxicillin", "Zinc"), ("4-9 kg", "250 mg", "10 mg"), ("10-19 kg", "500 mg", "20 mg")]
    table = [
        (x, 760 - 14 * n, 10, cell) for n, row in enumerate(rows) for x, cell in zip((60, 260, 450), row, strict=True)
    ]
    text = read([[*column(50, 680, words, 5), *column(320, 680, words, 5), *table]]).text
    head = "| Weight | Amoxicillin | Zinc |\n| --- | --- | --- |\n"
    assert head + "| 4-9 kg | 250 mg | 10 mg |\n| 10-19 kg | 500 mg | 20 mg |\n" in text


def test_a_table_inside_one_column_takes_no_line_of_the_other() -> None:
    left = [
        (50, 700 - 12 * n, 10, f"left line {n} of a paragraph that fills its column" if n % 4 else "ends here.")
        for n in range(24)
    ]
    right = [
        (320, 700 - 12 * n, 10, f"right line {n} of a paragraph that fills its column")
        for n in range(24)
        if not 6 < n < 13
    ]
    cells = [(x, 700 - 12 * n, 10, text) for n in range(7, 13) for x, text in ((330, f"{n} kg"), (450, f"{n * 5} mg"))]
    text = read([[*left, *right, *cells]]).text
    assert "| 7 kg | 35 mg |\n| --- | --- |\n| 8 kg | 40 mg |\n| 9 kg | 45 mg |\n" in text
    assert "here. |" not in text


def _with_running_lines(count: Any) -> Any:
    pages = []
    for number in range(count):
        words = (f"page{number} " + BODY).split()
        pages.append(
            [
                (50, 810, 9, f"Guide to Care {number + 1} of {count}"),
                *column(50, 740, words, 9),
                (290, 25, 9, str(number + 7)),
            ]
        )
    return pages


def test_running_header_and_page_numbers_go_when_pages_repeat_them() -> None:
    part = read(_with_running_lines(4))
    assert "Guide to Care" not in part.text
    assert not any(line.strip().isdigit() for line in part.text.splitlines())
    assert "running_lines_removed" in part.extra["edits"]
    assert part.text.count("Give oral rehydration salts") == 4


def test_a_header_on_one_page_and_a_number_that_does_not_count_stay() -> None:
    part = read([[(50, 810, 9, "Only Once Here"), *column(50, 740, BODY.split(), 9), (290, 25, 9, "120")]])
    assert "Only Once Here" in part.text
    assert "120" in part.text


@pytest.mark.parametrize("line", ["Dose: 5 mg/kg twice daily", "Give when SpO2 <90", "Children of 2 years and over"])
def test_a_repeated_line_that_says_a_dose_threshold_or_age_stays(line: str) -> None:
    pages = [[(50, 810, 9, line), *column(50, 740, f"page{n} {BODY}".split(), 9)] for n in range(4)]
    assert read(pages).text.count(line) == 4


def test_pages_without_text_are_counted_when_they_show_a_picture() -> None:
    text = column(50, 740, BODY.split(), 9)
    part = read([text, [("image",)], [], [("image",), (290, 25, 9, "Page 4")]])
    assert (part.extra["pages"], part.extra["scanned_pages"]) == (4, 2)
    assert "scanned_pages" not in read([text, []]).extra


def test_repeated_body_lines_and_table_heads_stay() -> None:
    pages = [
        [
            (50, 740, 10, "Dose (mg)"),
            (200, 740, 10, "Age"),
            (50, 726, 10, str(5 * n)),
            (200, 726, 10, "adult"),
            *column(50, 700, BODY.split(), 9),
        ]
        for n in range(1, 5)
    ]
    assert read(pages).text.count("| Dose (mg) | Age |\n") == 4


def test_headings_by_size_or_weight_become_sections() -> None:
    lines = [
        (50, 800, 20, "Care of Severe Malaria"),
        (50, 760, 12, "Danger signs", "F2"),
        *column(50, 740, BODY.split(), 9),
    ]
    lines += [(50, 600, 12, "Treatment at referral", "F2"), *column(50, 580, BODY.split(), 9)]
    part = read([lines])
    assert part.title == "Care of Severe Malaria"
    assert [s.path for s in part.sections] == [
        "Care of Severe Malaria",
        "Care of Severe Malaria > Danger signs",
        "Care of Severe Malaria > Treatment at referral",
    ]
    for section in part.sections:
        above, _, heading = section.path.rpartition(" > ")
        assert part.text[section.start :].startswith(f"{'###' if above else '##'} {heading}\n")


def test_words_broken_at_line_ends_are_mended_and_ranges_are_not() -> None:
    part = read(
        [
            [
                (50, 700, 10, "The manage-"),
                (50, 688, 10, "ment of fever: give 5-"),
                (50, 676, 10, "10 mg each day to adults."),
            ]
        ]
    )
    assert "The management of fever: give 5-10 mg each day to adults." in part.text
    assert "hyphens_joined" in part.extra["edits"]


def test_superscripts_drawn_small_and_high() -> None:
    page = [
        (50, 700, 10, "Platelets below 50 x 10"),
        (153, 704, 6, "3"),
        (165, 700, 10, "per microlitre; give 5 mg"),
        (272, 704, 6, "1"),
        (279, 700, 10, "now"),
    ]
    text = read([page]).text
    assert "50 x 10³" in text
    assert "51" not in text
    assert "mg1" not in text


def test_a_thin_space_between_number_and_unit_is_kept_and_none_is_made_up() -> None:
    page = [
        (50, 700, 10, "Nodules of 3"),
        (107.4, 700, 10, "mm and T2N1 on day 10a are seen"),
        (50, 686, 10, "in CT scans."),
    ]
    text = read([page]).text
    assert "of 3 mm and T2N1 on day 10a" in text


def test_a_line_of_single_letters_at_changing_heights_is_read() -> None:
    letters = [(50 + 6 * n, 700 + 4 * (n % 2), 10 - 4 * (n % 2), letter) for n, letter in enumerate("abcdef")]
    text = read([[*letters, *column(50, 600, BODY.split(), 9)]]).text
    assert text.partition("Give")[0].strip().startswith("a")
    assert "Give oral rehydration salts" in text


def test_prose_set_larger_than_the_rest_is_no_heading() -> None:
    notes = column(50, 400, (BODY + BODY).split() * 3, 12, 7)
    box = [
        (50, 700 - 13 * n, 11, line)
        for n, line in enumerate(
            [
                "Look at the child when it drinks: one that",
                "cannot drink, or vomits everything, has a danger",
                "sign and is referred at once.",
            ]
        )
    ]
    text = read([[*box, *notes]]).text
    assert text.startswith(
        "Look at the child when it drinks: one that cannot drink, or vomits everything, has a danger"
    )


def test_text_goes_on_over_footnotes_at_the_end_of_a_page() -> None:
    first = [
        (50, 200, 10, "Give zinc to each child with diarrhoea and tell the mother that she"),
        (50, 188, 10, "is to"),
    ]
    first[1] = (50, 188, 10, "is to give it on every one of the following days in the same way and")
    notes = [(50, 60, 4, "1"), (54, 57, 7, "Not in the first month."), (50, 50, 4, "2"), (54, 47, 7, "Or by tube.")]
    second = [(50, 740, 10, "with clean water. Look again after two days.")]
    text = read([[*column(50, 700, BODY.split(), 12), *first, *notes], second]).text
    assert "in the same way and with clean water. Look again after two days." in text
    assert text.endswith("¹ Not in the first month.\n\n² Or by tube.")


def test_a_heading_of_two_lines_is_one() -> None:
    lines = [
        (50, 800, 18, "Fluids for children with"),
        (50, 778, 18, "severe wasting"),
        *column(50, 740, BODY.split(), 9),
    ]
    assert read([lines]).text.startswith("## Fluids for children with severe wasting\n\nGive oral")


def test_list_items_keep_their_lines() -> None:
    page = [
        (50, 700 - 12 * i, 10, f"{i + 1}. Step number {name} of the drill")
        for i, name in enumerate(["one", "two", "three"])
    ]
    assert (
        read([page]).text
        == "1. Step number one of the drill\n2. Step number two of the drill\n3. Step number three of the drill"
    )


def test_declared_language_and_title_are_kept_and_a_creation_date_is_no_publication_date() -> None:
    part = read(
        [column(50, 700, BODY.split(), 9)], title="Oral Rehydration Guide", info_date="D:20200101000000Z", lang="en-GB"
    )
    assert (part.title, part.language, part.published) == ("Oral Rehydration Guide", "en-GB", None)


@pytest.mark.parametrize("name", ["Microsoft Word - draft3.doc", "untitled", "guide_final.indd"])
def test_a_file_name_is_no_title(name: Any) -> None:
    lines = [(50, 800, 20, "Care of Severe Malaria"), *column(50, 740, BODY.split(), 9)]
    assert read([lines], title=name).title == "Care of Severe Malaria"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "broken_pdf"),
        (b"<html>no pdf</html>", "broken_pdf"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 4, "broken_pdf"),
        (make_pdf([[]]), "no_text_layer"),
        (make_pdf([[("image",)]]), "no_text_layer"),
        (make_pdf([[("image",), (50, 810, 9, "Copy of the health library")]] * 4), "no_text_layer"),
        (make_pdf([[(50, 700, 10, "2021 3 31")]]), "no_text_layer"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(body: Any, reason: Any) -> None:
    with pytest.raises(Unreadable) as caught:
        list(parse(body, "key", {}))
    assert caught.value.reason == reason


def _outcome(body: bytes) -> str:
    try:
        return "part" if all(isinstance(part, Part) for part in parse(body, "key", {})) else "other"
    except Unreadable as refusal:
        return refusal.reason


def test_cut_or_flipped_files_are_read_or_refused_but_never_raise_anything_else() -> None:
    body = make_pdf(_with_running_lines(2))
    for position in range(0, len(body), 97):
        for damaged in (body[:position], body[:position] + bytes([body[position] ^ 0x55]) + body[position + 1 :]):
            assert _outcome(damaged) in {"part", "broken_pdf", "no_text_layer", "garbled_text", "encrypted"}


def test_the_same_bytes_give_the_same_part() -> None:
    body = make_pdf(_with_running_lines(3))
    assert list(parse(body, "a", {})) == list(parse(body, "b", {}))
