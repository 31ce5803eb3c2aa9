"""Set the texts of `pdf_text/` as small PDFs in `pdfs/`: one or two columns, running header, page numbers, hyphens.

Run it after a change of a text: `python configs/demo/make_pdfs.py`. Standard library only, and the same bytes on every
machine: no date, no compression, no file id. A text begins with a line of settings (`columns=2 header=...`), then
`# title`, `## heading`, paragraphs, `- ` or `1. ` items, and tables between `= table` and `= end` with ` | ` between
cells. `10^3` is set with a raised 3. Not a typesetter: Helvetica with built-in widths, Latin-1 and a few signs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (440, 580)
MARGIN, TOP, BOTTOM, GUTTER = 40, 520, 56, 24
BODY, LEADING = 10, 13
NARROW = {"i": 222, "j": 222, "l": 222, "'": 191, "f": 278, "t": 278, " ": 278, ".": 278, ",": 278, "r": 333, "-": 333}
WIDE = {"m": 833, "w": 722, "M": 833, "W": 944, "%": 889}
SYLLABLE = re.compile(r"(?<=[aeiou][bcdfglmnprst])(?=[bcdfghlmnprstvz][aeiou])")
Op = tuple[float, float, float, str, str]


def width(text: str, size: int, bold: bool = False) -> float:
    """Return the width of `text` in points, from rounded widths of Helvetica."""
    units = sum(NARROW.get(c, WIDE.get(c, 667 if c.isupper() else 556)) for c in text)
    return units * size * (1.06 if bold else 1.0) / 1000


def wrap(text: str, size: int, room: float) -> Iterator[str]:
    """Yield lines of at most `room` points; a long word is broken with a hyphen where two consonants meet."""
    line = ""
    for word in text.split():
        trial = f"{line} {word}".strip()
        if width(trial, size) <= room:
            line = trial
            continue
        head, tail = _hyphenated(line, word, size, room)
        yield f"{line} {head}".strip()
        line = tail
    if line:
        yield line


def _hyphenated(line: str, word: str, size: int, room: float) -> tuple[str, str]:
    """Return (part with hyphen that still fits, the rest), or ("", word); only plain lower-case words are broken."""
    if word.isalpha() and word.islower() and len(word) > 7:
        for match in reversed(list(SYLLABLE.finditer(word))):
            head = word[: match.start()] + "-"
            if 3 < len(head) < len(word) - 2 and width(f"{line} {head}", size) <= room:
                return head, word[match.start() :]
    return "", word


class Setter:
    """Places lines on pages from the top of the first column to the foot of the last."""

    def __init__(self, columns: int, header: str) -> None:
        self.columns, self.header = columns, header
        self.room = (PAGE[0] - 2 * MARGIN - (columns - 1) * GUTTER) / columns
        self.pages: list[list[Op]] = []
        self.column, self.y, self.top = columns, 0.0, float(TOP)

    def need(self, height: float) -> float:
        """Make room for `height` points and return the left edge of the column."""
        if not self.pages or self.y - height < BOTTOM:
            self.column += 1
            if self.column >= self.columns:
                number = len(self.pages) + 1
                self.pages.append([(MARGIN, 552, 8, "F1", self.header), (216, 26, 8, "F1", str(number))])
                self.column, self.top = 0, float(TOP)
            self.y = self.top
        return MARGIN + self.column * (self.room + GUTTER)

    def line(self, text: str, size: int = BODY, font: str = "F1", indent: float = 0) -> None:
        """Set one line; a figure after `10^` is raised."""
        x = self.need(LEADING) + indent
        self.y -= LEADING * size / BODY
        plain, _, raised = text.partition("10^")
        if raised:
            power, rest = re.fullmatch(r"(\d+)(.*)", raised).groups()  # type: ignore[union-attr]
            at = x + width(plain + "10", size)
            self.pages[-1] += [(x, self.y, size, font, plain + "10"), (at, self.y + 3.5, size - 4, font, power)]
            x, text = at + width(power, size - 4) + 0.5, rest
        self.pages[-1].append((x, self.y, size, font, text))

    def title(self, text: str) -> None:
        """Set the title over all columns."""
        self.need(60)
        lines = list(wrap(text, 17, PAGE[0] - 2 * MARGIN))
        for line in lines:
            self.y -= 22
            self.pages[-1].append((MARGIN, self.y, 17, "F2", line))
        self.y -= 10
        self.top = self.y

    def table(self, rows: list[list[str]]) -> None:
        """Set a table with each cell on one line; the letters are made small enough for the room."""
        widest = [max(width(row[i], 8) for row in rows) for i in range(len(rows[0]))]
        size = min(8.0, 8 * (self.room - 13 * len(widest)) / sum(widest))
        gap = (self.room - sum(widest) * size / 8) / len(widest)
        self.need(LEADING * (len(rows) + 1))
        self.y -= 4
        for row in rows:
            x = self.need(LEADING)
            self.y -= LEADING
            for cell, room in zip(row, widest, strict=True):
                self.pages[-1].append((x, self.y, size, "F1", cell))
                x += room * size / 8 + gap
        self.y -= 6


def set_text(source: str) -> list[list[Op]]:
    """Return the pages of one text."""
    settings, *lines = source.splitlines()
    columns, header = re.fullmatch(r"columns=(\d) header=(.*)", settings).groups()  # type: ignore[union-attr]
    setter = Setter(int(columns), header)
    rows: list[list[str]] | None = None
    for text in lines:
        if text == "= table":
            rows = []
        elif text == "= end":
            setter.table(rows or [])
            rows = None
        elif rows is not None:
            rows.append(text.split(" | "))
        elif text.startswith("# "):
            setter.title(text[2:])
        elif text.startswith("## "):
            setter.need(3 * LEADING)
            setter.y -= 8
            for line in wrap(text[3:], 12, setter.room * 0.94):
                setter.line(line, 12, "F2")
            setter.y -= 2
        else:
            _paragraph(setter, text)
    return setter.pages


def _paragraph(setter: Setter, text: str) -> None:
    """Set a paragraph or an item with a hanging indent."""
    item = re.match(r"(- |\d\. )", text)
    text = "• " + text[2:] if text.startswith("- ") else text
    for n, line in enumerate(wrap(text, BODY, setter.room - (14 if item else 0))):
        setter.line(line, indent=12 if item and n else 0)
    setter.y -= 2 if item else 5


def write_pdf(pages: list[list[Op]], title: str) -> bytes:
    """Return the bytes of a PDF 1.4 file with the given pages."""
    objects = ["", ""]
    for bold in ("", "-Bold"):
        objects.append(f"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica{bold} /Encoding /WinAnsiEncoding >>")
    kids = []
    for page in pages:
        ops = "\n".join(f"BT /{f} {s:g} Tf 1 0 0 1 {x:.2f} {y:.2f} Tm ({_escaped(t)}) Tj ET" for x, y, s, f, t in page)
        objects.append(f"<< /Length {len(ops)} >>\nstream\n{ops}\nendstream")
        kids.append(f"{len(objects) + 1} 0 R")
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {PAGE[0]} {PAGE[1]}] /Contents {len(objects)} 0 R "
            "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>"
        )
    objects[0] = "<< /Type /Catalog /Pages 2 0 R /Lang (en) >>"
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    objects.append(f"<< /Title ({_escaped(title)}) >>")
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    tail = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R /Info {len(objects)} 0 R >>\n"
    xref = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{tail}startxref\n{len(out)}\n%%EOF\n"
    return out + xref.encode("cp1252")


def _escaped(text: str) -> str:
    return re.sub(r"([\\()])", r"\\\1", text)


def main() -> None:
    """Write one PDF for each text, and a broken one."""
    target = HERE / "pdfs"
    target.mkdir(exist_ok=True)
    for path in sorted((HERE / "pdf_text").glob("*.txt")):
        source = path.read_text(encoding="utf-8")
        title = re.search(r"^# (.*)$", source, re.MULTILINE)
        body = write_pdf(set_text(source), title.group(1) if title else path.stem)
        (target / f"{path.stem}.pdf").write_bytes(body)
    start = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    (target / "broken.pdf").write_bytes(start + bytes(range(256)))


if __name__ == "__main__":
    main()
