"""The text of pages that are only pictures, read by tesseract: the parser option `ocr: [eng, fra]` of PDFs.

tesseract is used as a library (the extra `ocr`: tesserocr, and language data such as Debian's tesseract-ocr-eng), for
a parser in the sandbox starts no program. Each line that it finds becomes a fragment with its place, so the layout of
columns, running lines and paragraphs is worked out as for any page; sizes of letters are not trusted, so there are no
headings. A scan can be misread, and a misread dose is worse than a lost page: a document read with less confidence
than `MIN_CONFIDENCE` is refused, and any other says how it was read (`extra.ocr`). Not here: turned pages, handwriting.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pypdfium2

from sources.parse.part import Unreadable
from sources.parse.pdf_fragment import Fragment, PageText

DPI = 300
"""What tesseract's models were trained on."""
MAX_PIXELS = 25_000_000
MIN_CONFIDENCE = 80
"""Mean over the words of a document, of 100; clean print gives 90 to 96."""
UNSURE = 60
"""A word below this is counted as unsure."""
_SIZE = 10.0
_DATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")


def languages_of(options: dict[str, Any]) -> tuple[str, ...]:
    """Return the languages to read scans in, by tesseract's names; none: scans are not read. Raises ValueError."""
    named = options.get("ocr", [])
    if not isinstance(named, Sequence) or isinstance(named, str) or not all(isinstance(n, str) and n for n in named):
        raise ValueError(f"ocr is a list of tesseract's languages, such as [eng, fra], not {named!r}")
    return tuple(named)


def data_folder(languages: Sequence[str]) -> Path:
    """Return the folder that holds the data of all `languages`. Raises ValueError that says what is missing."""
    if find_spec("tesserocr") is None:
        raise ValueError("ocr: install the extra `ocr` (tesserocr), e.g. with: pip install 'medmix[ocr]'")
    given = os.environ.get("TESSDATA_PREFIX")
    folders = [Path(given)] if given else [p for pattern in _DATA for p in sorted(Path("/").glob(pattern[1:]))]
    missing = sorted(languages)
    for folder in folders:
        missing = [name for name in languages if not (folder / f"{name}.traineddata").is_file()]
        if not missing:
            return folder
    where = ", ".join(map(str, folders)) or ", ".join(_DATA)
    raise ValueError(
        f"ocr: no data for {', '.join(missing)} in {where}; install e.g. Debian's tesseract-ocr-{missing[0]}, "
        "or name the folder in TESSDATA_PREFIX"
    )


def versions_of(languages: Sequence[str]) -> dict[str, str]:
    """Return what decides the text of scans: tesseract's version, digests of the languages' data. Raises ValueError."""
    folder = data_folder(languages)
    import tesserocr

    data = {name: hashlib.sha256((folder / f"{name}.traineddata").read_bytes()).hexdigest() for name in languages}
    return {"tesseract": tesserocr.tesseract_version().split()[1], **data}


@dataclass
class Scans:
    """The scanned pages of one document, read one by one; `languages` is not empty."""

    languages: tuple[str, ...]
    pages: int = 0
    _confidences: list[int] = field(default_factory=list)
    _api: Any = None

    def read(self, document: pypdfium2.PdfDocument, number: int, page: PageText) -> None:
        """Give `page` (counted from 0) the fragments of its picture."""
        shown = document[number]
        width, height = shown.get_size()
        scale = min(DPI / 72, (MAX_PIXELS / max(1.0, width * height)) ** 0.5)
        bitmap = shown.render(scale=scale, grayscale=True)
        api = self._started()
        api.SetImageBytes(bytes(bitmap.buffer), bitmap.width, bitmap.height, 1, bitmap.stride)
        api.SetSourceResolution(round(scale * 72))
        api.Recognize()
        self.pages += 1
        self._confidences += api.AllWordConfidences()
        page.fragments, page.width, page.height = _fragments(api, scale, height), width, height
        bitmap.close()
        shown.close()

    def facts(self) -> dict[str, Any]:
        """Return what a document says of its scans, nothing if it has none. Raises Unreadable ocr_unsure."""
        if not self.pages:
            return {}
        words = len(self._confidences)
        mean = sum(self._confidences) / words if words else 0.0
        if words and mean < MIN_CONFIDENCE:
            raise Unreadable("ocr_unsure", f"mean confidence {mean:.0f} of 100 over {words} words ({MIN_CONFIDENCE})")
        unsure = sum(confidence < UNSURE for confidence in self._confidences)
        said = {"pages": self.pages, "languages": list(self.languages), "confidence": round(mean)}
        return {"ocr": {**said, "words": words, "unsure_words": unsure}}

    def close(self) -> None:
        """Let go of the models."""
        if self._api is not None:
            self._api.End()

    def _started(self) -> Any:
        """Return tesseract, started once a document: what it learns from one must not touch the next."""
        if self._api is None:
            os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # its threads wait for each other longer than they work
            import tesserocr

            self._api = tesserocr.PyTessBaseAPI(path=str(data_folder(self.languages)), lang="+".join(self.languages))
        return self._api


def _fragments(api: Any, scale: float, height: float) -> list[Fragment]:
    """Return the lines that tesseract found, in its order, in points with y growing upwards."""
    import tesserocr

    level = tesserocr.RIL.TEXTLINE
    lines = api.GetIterator()
    found: list[Fragment] = []
    for line in tesserocr.iterate_level(lines, level) if lines is not None else ():
        box, text = line.BoundingBox(level), " ".join((line.GetUTF8Text(level) or "").split())
        if box is None or not text:
            continue
        x0, y1, x1, y0 = box[0] / scale, height - box[1] / scale, box[2] / scale, height - box[3] / scale
        baseline = line.Baseline(level)
        base = height - baseline[0][1] / scale if baseline else y0
        found.append(Fragment(text, x0, y0, x1, y1, base, y1 - y0, _SIZE, False, b"ocr"))
    return found
