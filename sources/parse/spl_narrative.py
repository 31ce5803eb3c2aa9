"""The narrative of a drug label made ready for `xml_tags`: footnotes, pictures, captions, lists, deleted text.

A footnote stands in the middle of the cell that it explains, so that read in place it would fuse with a number; it
becomes a mark there, `[a]`, and its text follows the table or the section. Marks are letters, so that no number gains
a digit, and count through the label, so that a second reference is never ambiguous. Lists keep the letters by which
other text refers to their items. In place, on elements without namespaces. Not here: which sections there are (`spl`).
"""

import re

from lxml import etree

from sources.parse.jats_script import underlined

_FILE_NAME = re.compile(r"\S+\.(?:jpe?g|gif|png|bmp|tiff?)", re.IGNORECASE)
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_APART = frozenset({"br", "suffix", "paragraph", "item", "td", "th"})
_INLINE_CAPTION = ("item", "paragraph")


def plain(element: etree._Element | None) -> str:
    """Return the words of an element on one line, apart at breaks and before a name's suffix; "" for None."""
    if element is None:
        return ""
    pieces: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            pieces += [" " if node.tag in _APART else "", node.text or ""]
        elif node is not element:
            pieces += [" " if node.tag in _APART else "", node.tail or ""]
    return " ".join("".join(pieces).split())


def settle_narrative(document: etree._Element) -> None:
    """Prepare every narrative block of a label, in place."""
    _mark_footnotes(document)
    _show_media(document)
    for element in document.iter("content"):
        if element.get("revised") == "delete":
            element.tag = "del"
        elif "underline" in (element.get("styleCode") or "").lower() and len(element) == 0:
            element.text = underlined(element.text or "", element.tail or "")
    for listed in list(document.iter("list")):
        _letter(listed)
    for caption in list(document.iter("caption")):
        _settle_caption(caption)


def letters(number: int) -> str:
    """Return a, b, ..., z, aa, ab, ... for 1, 2, ..."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


def _mark_footnotes(document: etree._Element) -> None:
    marks: dict[str, str] = {}
    footnotes = list(document.iter("footnote"))
    for number, footnote in enumerate(footnotes, 1):
        marks[footnote.get("ID") or f"#{number}"] = letters(number)
    for reference in document.iter("footnoteRef"):
        mark = marks.get(reference.get("IDREF") or "")
        reference.tag, reference.text = "content", f"[{mark}]" if mark else "[note]"
        reference.attrib.clear()
    for number, footnote in enumerate(footnotes, 1):
        _put_after(footnote, letters(number))


def _put_after(footnote: etree._Element, mark: str) -> None:
    """Leave a mark where a footnote stood and put its text behind the table, else the text block, that holds it."""
    holder = _holder(footnote)
    note = etree.Element("paragraph")
    note.text = f"[{mark}] {footnote.text or ''}"
    note.extend(list(footnote))
    footnote.tag, footnote.text = "content", f"[{mark}]"
    footnote.attrib.clear()
    if holder.tag == "table":
        _insert_behind(holder, note)
    else:
        _text_of(holder).append(note)


def _holder(footnote: etree._Element) -> etree._Element:
    """Return the outermost table around a footnote within its text block, else the block, section or document."""
    table = None
    for above in footnote.iterancestors():
        if above.tag in ("text", "section", "document"):
            return above if table is None else table
        if above.tag == "table":
            table = above
    return footnote


def _text_of(holder: etree._Element) -> etree._Element:
    """Return the text block of a section (of the first one, for a note on the title), made when there is none."""
    if holder.tag == "text":
        return holder
    section = holder if holder.tag == "section" else next(holder.iter("section"), holder)
    text = section.find("text")
    return text if text is not None else etree.SubElement(section, "text")


def _insert_behind(element: etree._Element, note: etree._Element) -> None:
    """Insert `note` behind `element` and the notes already there; the text that followed comes after it."""
    parent = element.getparent()
    if parent is None:
        return
    while (after := element.getnext()) is not None and not (element.tail or "").strip() and after.get("note"):
        element = after
    note.set("note", "1")
    note.tail, element.tail = element.tail, None
    parent.insert(parent.index(element) + 1, note)


def _show_media(document: etree._Element) -> None:
    """Put the description of a picture, with its caption, where the label shows it."""
    described = {media.get("ID"): plain(media.find("text")) for media in document.iter("observationMedia")}
    for shown in list(document.iter("renderMultiMedia")):
        said = described.get(shown.get("referencedObject"), "")
        captions = [caption for caption in shown.findall("caption") if plain(caption)]
        for caption in captions:
            caption.tag = "content"
        shown.text = f"[Image: {said}]" if said and not _FILE_NAME.fullmatch(said) else "[Image]" if captions else None
        if captions:
            shown.text = f"{shown.text} "
        shown.tag = "content"
        shown.attrib.clear()


def _settle_caption(caption: etree._Element) -> None:
    """Set the caption of an item or paragraph before its words, and that of a list before the list."""
    parent = caption.getparent()
    if parent is not None and parent.tag in _INLINE_CAPTION:
        caption.tag = "content"
        caption.tail = f" {caption.tail or ''}"
    elif parent is not None and parent.tag == "list" and parent.getparent() is not None:
        caption.tag, caption.tail = "paragraph", None
        parent.addprevious(caption)


def _letter(listed: etree._Element) -> None:
    """Write the letters or Roman numbers of an ordered list before its items, which as Markdown would be numbers.

    Where every item has a caption, these stand in place of the numbers.
    """
    style = (listed.get("styleCode") or "").lower()
    if all(item.find("caption") is not None for item in listed.findall("item")):
        listed.set("listType", "unordered")
        return
    if (listed.get("listType") or "").lower() != "ordered" or not style.endswith(("alpha", "roman")):
        return
    listed.set("listType", "unordered")
    for number, item in enumerate(listed.findall("item"), 1):
        label = letters(number) if "alpha" in style else _roman(number)
        item.text = f"{label.upper() if style.startswith('big') else label}. {(item.text or '').lstrip()}"


def _roman(number: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        while number >= value:
            number, text = number - value, text + sign
    return text
