"""Declared mappings for XML guidance: NGC summaries, MedQuAD, NCI PDQ.

Each is plain data with the options of `xml_fields.parse`, so that a source YAML can say the same for a format of its
own; element names carry no namespace. `DETECT` tells the format by its root where a source names none. Not here: drug
labels, which have a parser of their own (`spl`).
"""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "ngc": {
        "title": "Section/Field[@Name='Guideline Title']/FieldValue/@Value",
        "published": "Section/Field[@Name='Date Released']/FieldValue/@Value",
        "publisher": "Section/Field[@Name='Guideline Developer(s)']/FieldValue/@Value",
        "required": "Section[not(@Name='General' or starts-with(@Name, 'Identifying') or @Name='Disclaimer')]"
        "//FieldValue[normalize-space(@Value)]",
        "text": [
            {
                "xpath": "Section[not(@Name='Disclaimer')]/Field[not(@Name='Guideline Title')]",
                "heading_xpath": "@Name",
                "value": ".//FieldValue/@Value",
                "html": True,
            }
        ],
    },
    "medquad": {
        "title": "Focus",
        "url": "@url",
        "required": "QAPairs/QAPair/Answer[normalize-space()]",
        "text": [
            {
                "xpath": "QAPairs/QAPair[normalize-space(Answer)]",
                "heading_xpath": "Question",
                "value": "Answer",
                "lines": True,
            }
        ],
    },
    "pdq": {
        "title": "SummaryTitle",
        "url": "SummaryMetaData/SummaryURL/@xref",
        "language": "SummaryMetaData/SummaryLanguage",
        "published": "DateLastModified",
        "identifiers": {"pdq": "@id"},
        "references": "//ReferenceSection/Citation",
        "drop": [
            "SummaryMetaData",
            "AltTitle",
            "//SectMetaData",
            "//ReferenceSection",
            "DateLastModified",
            "DateFirstPublished",
        ],
        "required": "SummarySection",
    },
}

DETECT = {
    "Version": ("ngc", "Section/Field"),
    "Document": ("medquad", "QAPairs"),
    "Summary": ("pdq", "SummarySection"),
}
"""Root name -> (preset, an XPath that must match too)."""
