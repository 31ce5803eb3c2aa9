"""Every reason that a connector gives, each with its meaning in one line.

`structure_changed` is the one that a person must act on: the page was read whole, and is not built as the source
declares. Reasons of reading the bytes themselves (`html_truncated`, `malformed_xml`, ...) are in
`sources.parse.reasons`.
"""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "structure_changed": "the page is not built as the source declares",
    "invalid_json": "breaks the rules of JSON",
    "decompression_bomb": "unpacks to far more than any list does",
    "bad_link": "an entry of the list whose address is missing or no web address",
    "no_document": "an entry of the list without a file of the kinds asked for",
    "missing_page": "the list names a page that the site does not have",
    "next_repeats": "the next page is the page itself, so the list was left there",
    "too_many_pages": "the list goes on beyond the number of pages that the source allows",
    "too_many_links": "one page lists more than any honest list does, and the rest was left",
    "too_deep": "lists within lists, deeper than the source allows",
}
