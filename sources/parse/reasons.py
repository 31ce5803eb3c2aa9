"""Every reason for which an item or a record is quarantined while it is read, each with its meaning in one line.

The funnel counts by these words and a person decides by them, so there is one table; a test keeps it equal to what the
code gives. Not here: the reasons of later stages, and those of the sandbox (`pipelines.engine.sandbox`).
"""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    # containers
    "corrupt_archive": "the container is damaged at this place",
    "corrupt_record": "a web record cannot be taken apart as its headers say",
    "decompression_bomb": "unpacks to far more than any text does",
    "encrypted_member": "a member of a zip file is encrypted",
    "nested_archive": "a container within a container, which is not opened",
    "not_a_regular_file": "a link, device or folder where a file should be",
    "not_articles": "no list of articles under the root",
    "too_large": "more bytes than the source's max_item_bytes",
    "too_many_members": "more members than any bundle has",
    "truncated_archive": "the container ends in the middle",
    "truncated_record": "the crawler stored only the beginning of the page",
    "unsafe_member_name": "a name that climbs out of its folder or cannot be shown",
    "unsupported_compression": "a member is packed in a way that is not read here",
    "unsupported_content_encoding": "a page is packed in a way that is not read here",
    "wrong_record_length": "a web record does not end where its length says",
    # bytes and encodings
    "binary": "not a text at all",
    "control_characters": "holds characters that XML forbids",
    "empty": "no bytes",
    "empty_item": "no rows, only white space",
    "invalid_encoding": "bytes that are not in the encoding of the table",
    "invalid_unicode": "half of a surrogate pair, which UTF-8 cannot hold",
    "undecodable": "no encoding reads it without loss",
    "unknown_encoding": "declares an encoding that nobody knows",
    "wrong_encoding": "is not in the encoding that it declares",
    # pages and articles
    "broken_pdf": "the PDF cannot be opened, or a page of it cannot be read",
    "encrypted": "the PDF is locked against reading",
    "entity_expansion": "entities that grow beyond any text",
    "error_page": "a page that says the real one is not there",
    "external_entity": "text that lies in another file, which is never fetched",
    "garbled_text": "the PDF's letters have no meaning of their own",
    "html_too_deep": "nested deeper than the parser follows, so text would be lost",
    "html_truncated": "the page ends inside a tag or comment",
    "malformed_xml": "breaks the rules of XML",
    "no_content": "nothing but menus and furniture",
    "no_text": "holds no text",
    "no_text_layer": "a PDF of pictures of text",
    "not_fhir": "JSON or XML, but no resource of FHIR",
    "not_spl": "XML, but no drug label",
    "not_jats": "XML, but no article in JATS",
    "not_xml": "does not begin as XML does",
    "too_deep": "nested deeper than any article",
    "truncated": "the XML ends in the middle",
    "undefined_entity": "a character by a name that nobody defines",
    "deleted_citation": "PubMed's own list of citations that it took back",
    "no_abstract": "a citation with a title only",
    "not_book": "XML, but no book in BITS and no part of one",
    "table_of_contents": "the file of a book that only lists its chapters",
    "not_trial": "JSON, but no study of ClinicalTrials.gov",
    "not_pubmed": "XML, but no citation of PubMed",
    "other_namespace": "a wiki's page of talk, users or templates",
    "redirect": "a page that only points to another",
    # rows and questions
    "bad_header": "the first line of the table cannot be its header",
    "duplicate_column": "two columns of one name",
    "empty_text": "the field for the text is empty",
    "gold_not_in_options": "the right answer is not among the options, or not one of them",
    "invalid_json": "breaks the rules of JSON",
    "invalid_parquet": "damaged Parquet",
    "invalid_yaml": "breaks the rules of YAML",
    "labels_not_unique": "two options of one label, or one that cannot keep its letter",
    "missing_field": "a field of the field map is not there",
    "needs_image": "the question refers to a picture",
    "no_rows_at_root": "no list of rows where the options say",
    "ragged_row": "more or fewer cells than the header",
    "too_few_options": "fewer than two options",
    "wrong_type": "a field holds another type than a text",
    # datatrove's readers
    "reader_failed": "the reader ended with an error",
    "reader_warning": "the reader passed over something, and only warned",
    # extraction itself
    "no_record": "nothing was found in it",
    "unknown_format": "no parser for this kind of file",
    "unreadable": "another reason, told in the detail",
}
LEFT_OUT = frozenset({"deleted_citation", "no_abstract", "other_namespace", "redirect", "table_of_contents"})
"""Reasons by which a record is dropped rather than quarantined: it was read, and holds no text by design."""
