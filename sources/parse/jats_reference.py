"""The reference list of an article, one string an entry.

A citation that the publisher punctuated (`mixed-citation`) is taken as it stands; one made of fields
(`element-citation`) is put in the usual order: authors, title, source, year;volume(issue):pages, identifiers, and
whatever else it holds. Not here: matching of references to works.
"""

from collections.abc import Iterator

from lxml import etree

from sources.parse.jats_element import children_of, descendants, has_own_text, local, plain_text
from sources.parse.jats_text import tidy

SUB_ARTICLES = frozenset({"sub-article", "response"})
_CITATIONS = ("mixed-citation", "element-citation", "nlm-citation", "citation", "product", "note", "p")
_FORMATTING = frozenset({"sup", "sub", "italic", "bold", "sc"})
_PEOPLE = frozenset({"name", "collab", "string-name", "anonymous", "etal", "name-alternatives"})
_TITLES = ("article-title", "chapter-title", "data-title", "part-title", "trans-title", "source", "conf-name")
_PLACED = frozenset({*_TITLES, "year", "volume", "issue", "fpage", "lpage", "elocation-id"})


def reference_lists(scope: etree._Element | None, apart: frozenset[str] = SUB_ARTICLES) -> Iterator[etree._Element]:
    """Yield the `ref` elements within a text, in order, but for those of the texts in it that are `apart`."""
    last, is_apart = None, False
    for ref in descendants(scope, "ref"):
        parent = ref.getparent()
        if parent is not last:
            last, is_apart = parent, any(local(around) in apart for around in _between(ref, scope))
        if not is_apart:
            yield ref


def reference_numbers(references: list[etree._Element]) -> dict[str, int]:
    """Return the place in the reference list (from 1) of each id that a citation may point to."""
    numbers: dict[str, int] = {}
    for number, ref in enumerate(references, start=1):
        for node in ref.iter():
            if node.get("id"):
                numbers.setdefault(node.get("id") or "", number)
    return numbers


def _between(element: etree._Element, scope: etree._Element | None) -> Iterator[etree._Element]:
    for around in element.iterancestors():
        if around is scope:
            return
        yield around


def reference_text(ref: etree._Element) -> str:
    """Return one entry of a reference list without its label."""
    parts: list[str] = []
    for child in children_of(ref):
        name = local(child)
        if name == "label":
            continue
        if name == "citation-alternatives":
            child = next(
                (inner for inner in child if local(inner) == "mixed-citation"), child[0] if len(child) else child
            )
            name = local(child)
        parts.append(_citation(child, name))
    return " ".join(filter(None, parts)).lstrip(".,;: ")


def _citation(element: etree._Element, name: str) -> str:
    children = children_of(element)  # kept, so that lxml wraps each of them once only
    if name not in _CITATIONS or has_own_text(element, children):
        return _spaced(element)
    return _from_fields(children)


def _spaced(element: etree._Element) -> str:
    """Return all text; fields that follow each other without any text between get a blank."""
    out: list[str] = []
    _collect(element, out)
    return tidy("".join(out))


def _collect(element: etree._Element, out: list[str]) -> None:
    out.append(element.text or "")
    children = children_of(element)
    for child in children:
        if len(child):
            _collect(child, out)
        elif text := child.text:
            out.append(text)
        if tail := child.tail:
            out.append(tail)
        elif child is not children[-1] and local(child) not in _FORMATTING:
            out.append(" ")


def _from_fields(fields: list[etree._Element]) -> str:
    people: list[str] = []
    rest: list[str] = []
    placed: dict[str, str] = {}
    for child in fields:
        name = local(child)
        if name in _PLACED:
            text = plain_text(child)
            placed[name] = f"{placed[name]} {text}" if name in placed else text
        elif name == "person-group":
            people += _people(child)
        elif name in _PEOPLE:
            people.append(_person(child, name))
        elif name == "pub-id":
            rest.append(f"{child.get('pub-id-type', '')}:{plain_text(child)}".lstrip(":"))
        else:
            rest.append(_field(child))
    titles = [placed[name] for name in _TITLES if name in placed]
    parts = [", ".join(people), *titles, _place(placed), *rest]
    return ". ".join([part.rstrip(".") for part in parts if part]) + "."


def _field(element: etree._Element) -> str:
    return _spaced(element) if len(element) else tidy(element.text or "")


def _people(group: etree._Element) -> list[str]:
    people: list[str] = []
    for child in children_of(group):
        name = local(child)
        if name == "person-group":
            people += _people(child)
        else:
            people.append(_person(child, name))
    return people


def _person(element: etree._Element, name: str) -> str:
    if name == "name":
        surname = given = suffix = ""
        for part in children_of(element):
            kind, text = local(part), part.text or ""
            if kind == "surname":
                surname = text
            elif kind == "given-names":
                given = text
            elif kind == "suffix":
                suffix = text
        return " ".join(filter(None, (surname, given, suffix)))
    return element.text or "et al" if name == "etal" else _field(element)


def _place(placed: dict[str, str]) -> str:
    """Return `2010;12(3):45-50`."""
    volume, issue = placed.get("volume"), placed.get("issue")
    text = placed.get("year", "") + (f";{volume}" if volume else "") + (f"({issue})" if issue else "")
    pages = "-".join(filter(None, (placed.get("fpage"), placed.get("lpage")))) or placed.get("elocation-id", "")
    return (text + f":{pages}" if text else pages) if pages else text
