"""The two files beside a card that licences ask for: each document with its attribution, and the list of licences.

Creative Commons licences ask for title, author or party, address, licence and a note of changes; each document has one
line with them in `ATTRIBUTION.tsv`. `LICENSES.md` lists the SPDX licences with how many documents are under each and
what medmix takes each to allow. Not here: whether a document may leave.
"""

import csv
import io
import re
from collections.abc import Iterator

from pipelines.report.census import Terms, kept_documents
from pipelines.report.markdown import table
from pipelines.result import Result
from sources.rights import Rights, rights_from

COLUMNS = ("id", "source", "title", "url", "licence", "attribution", "evidence", "edited_by")
_READ = ["id", "source", "title", "url", "rights", "edits"]
_KEY = re.compile(r"[A-Za-z0-9.-]+")
_WORDS = {"AND", "OR", "WITH"}


def attribution_tsv(result: Result) -> bytes:
    """Return one line a kept document, tab-separated with a header. Raises CorruptionError."""
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for documents in kept_documents(result, _READ):
        for row in documents.to_pylist():
            rights = row["rights"]
            edited = ", ".join(dict.fromkeys(edit["stage"] for edit in row["edits"] or []))
            facts = [row["title"], row["url"], rights["spdx"], rights["attribution"], rights["evidence"], edited]
            writer.writerow([row["id"], row["source"], *(" ".join((fact or "").split()) for fact in facts)])
    return sink.getvalue().encode()


def licences_md(counts: dict[Terms, int]) -> str:
    """Return the list of licences of a release, most frequent first."""
    rows = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    lines = [
        "# Licences",
        "",
        "Each text stays under its own licence, an SPDX expression; it stands in the document's `rights` and in "
        "`ATTRIBUTION.tsv`. What follows from each is how medmix reads it, and no legal advice.",
        "",
        *table(
            ["licence", "documents", "redistribute", "derive", "commercial use", "may be released", "text"],
            (
                [f"`{terms.spdx}`", count, *_allowed(terms), ", ".join(_texts(terms.spdx)) or "none known"]
                for terms, count in rows
            ),
        ),
    ]
    return "\n".join(lines)


def _allowed(terms: Terms) -> Iterator[str]:
    rights: Rights = rights_from(terms.spdx, tdm_reserved=terms.tdm_reserved)
    for holds in (rights.redistribute, rights.derive, rights.commercial, terms.released):
        yield "yes" if holds else "no"


def _texts(spdx: str) -> Iterator[str]:
    """Yield where the texts of the licences of an expression are; those outside SPDX have none."""
    for key in dict.fromkeys(_KEY.findall(spdx)):
        if key not in _WORDS and not key.startswith("LicenseRef-"):
            yield f"https://spdx.org/licenses/{key}.html"
