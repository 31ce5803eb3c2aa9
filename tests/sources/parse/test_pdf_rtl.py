"""Arabic in PDFs: files draw its letters from left to right; what comes out is in the order in which it is read."""

from sources.parse.part import Part
from sources.parse.pdf import parse

TO_UNICODE = (
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def\n"
    "1 begincodespacerange <0000> <FFFF> endcodespacerange\n"
    "3 beginbfrange <0020> <007E> <0020> <0600> <06FF> <0600> <FB50> <FEFC> <FB50> endbfrange\n"
    "endcmap end end"
)
FONT = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /Plain /Encoding /Identity-H /ToUnicode 4 0 R /DescendantFonts [<< "
    "/Type /Font /Subtype /CIDFontType2 /BaseFont /Plain /DW 500 /CIDSystemInfo << /Registry (Adobe) /Ordering "
    "(Identity) /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /Plain /Flags 4 /Ascent 800 "
    "/Descent -200 /CapHeight 700 /ItalicAngle 0 /StemV 80 /FontBBox [0 -200 1000 800] >> >>] >>"
)


def visual(text: str) -> str:
    """Return a text of Arabic words and numbers as it is drawn from left to right: numbers keep their own order."""
    return " ".join(word if word[0].isdigit() else word[::-1] for word in reversed(text.split()))


def make_pdf(lines: list[tuple[float, float, str]], drawn: str = "") -> bytes:
    """Return a page with lines (right edge, y, logical text) in a font whose codes are code points, half an em wide."""
    ops = []
    for right, y, text in lines:
        codes = "".join(f"{ord(c):04X}" for c in visual(text))
        ops.append(f"BT /F1 10 Tf 1 0 0 1 {right - 5 * len(text)} {y} Tm <{codes}> Tj ET")
    content = drawn + "\n".join(ops)
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [5 0 R] /Count 1 >>",
        FONT,
        f"<< /Length {len(TO_UNICODE)} >>\nstream\n{TO_UNICODE}\nendstream",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 6 0 R "
        "/Resources << /Font << /F1 3 0 R >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]
    body = "".join(f"{number} 0 obj\n{text}\nendobj\n" for number, text in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer\n<< /Root 1 0 R /Size 7 >>\n%%EOF\n".encode()


def read(lines: list[tuple[float, float, str]], drawn: str = "") -> str:
    (part,) = parse(make_pdf(lines, drawn), "key", {})
    assert isinstance(part, Part)
    return part.text


def test_lines_of_a_paragraph_are_read_from_the_right() -> None:
    lines = [(545.0, 700.0, "يعطى الطفل محلول الإماهة الفموية بعد كل"), (545.0, 686.0, "براز رخو ويستمر في الرضاعة")]
    assert read(lines) == "يعطى الطفل محلول الإماهة الفموية بعد كل براز رخو ويستمر في الرضاعة"


def test_a_dose_keeps_its_digits() -> None:
    assert read([(545.0, 700.0, "يعطى الزنك 20 ملغ كل يوم لمدة 14 يوما")]) == "يعطى الزنك 20 ملغ كل يوم لمدة 14 يوما"


def test_the_first_column_of_a_table_is_the_right_one() -> None:
    rows = [("العمر", "الجرعة"), ("رضيع", "10 ملغ"), ("طفل", "20 ملغ")]
    cells = [
        (x, 700.0 - 14 * n, cell) for n, row in enumerate(rows) for x, cell in zip((545.0, 300.0), row, strict=True)
    ]
    assert read(cells) == "| العمر | الجرعة |\n| --- | --- |\n| رضيع | 10 ملغ |\n| طفل | 20 ملغ |"


def test_the_right_column_of_a_page_is_read_first() -> None:
    right = [(545.0, 700.0 - 14 * n, f"يعطى الطفل محلول الإماهة الفموية {n + 10}") for n in range(8)]
    left = [(260.0, 700.0 - 14 * n, f"ويستمر في الرضاعة كل يوم كما قيل {n + 20}") for n in range(8)]
    text = read([line for pair in zip(left, right, strict=True) for line in pair])
    places = [text.index(str(number)) for number in (*range(10, 18), *range(20, 28))]
    assert places == sorted(places)


def test_a_ruled_table_begins_at_the_right() -> None:
    rules = "".join(f"{x0} {y0} m {x1} {y1} l S\n" for x0, y0, x1, y1 in (
        (200, 715, 550, 715), (200, 695, 550, 695), (200, 675, 550, 675),
        (200, 715, 200, 675), (400, 715, 400, 675), (550, 715, 550, 675),
    ))  # fmt: skip
    cells = [(545.0, 700.0, "العمر"), (390.0, 700.0, "الجرعة"), (545.0, 680.0, "رضيع"), (390.0, 680.0, "10 ملغ")]
    assert read(cells, rules) == "| العمر | الجرعة |\n| --- | --- |\n| رضيع | 10 ملغ |"
