"""One FHIR resource as an outline: its actions, questions, concepts and sections, with every text that they hold.

Known are the few structures that nest (actions of a plan, items of a questionnaire, concepts of a code system, sections
of a document); every other field is written by its name and value, so that a resource type nobody thought of loses
nothing either. Left out are addresses, identifiers and codes for machines, and the generated narrative, unless it is
all that there is. Iterates by recursion as deep as the resource nests, which the parsers of JSON and XML bound.
"""

import re
from typing import Any

from sources.parse.fhir_types import as_list, attached_text, citation, one_line, scalar
from sources.parse.html_string import read_string
from sources.parse.outline import Outline

SKIPPED = frozenset({
    "resourceType", "id", "meta", "implicitRules", "language", "text", "url", "identifier", "name", "title", "status",
    "experimental", "date", "version", "publisher", "contact", "author", "editor", "reviewer", "endorser", "copyright",
    "license", "contained", "modifierExtension", "library", "linkId", "definition", "system", "definitionCanonical",
    "definitionUri", "instantiatesCanonical", "answerValueSet", "relatedAction", "fhirVersion", "packageId", "snapshot",
    "mapping", "baseDefinition", "derivation", "valueSet", "caseSensitive", "contentType", "data",
    "trigger", "actionId", "subjectType", "valueUri", "valueUrl", "valueCanonical", "valueCode", "transform", "profile",
    "jurisdiction", "lastReviewDate", "approvalDate", "effectivePeriod", "expansion", "base", "constraint", "path",
    "sourceUri", "targetUri", "sourceCanonical", "targetCanonical", "reference", "dynamicValue", "resource", "fullUrl",
})  # fmt: skip
"""Fields for machines, and those that the part holds beside the text."""
HEADED = ("action", "section", "group", "goal", "population", "supplementalData", "stratifier")
LISTED = ("item", "concept", "contains", "answerOption", "include", "element", "parameter")
_TITLES = ("prefix", "title", "text", "short", "code", "display", "description", "definition")
_SAID = ("description", "definition", "textEquivalent", "purpose", "usage")
_NAMING = frozenset({"text", "title", "name", "date", "definition"})
"""Fields of SKIPPED that say something within a structure."""
_ARTIFACT = frozenset({"id", "type", "label", "display", "citation", "url", "resource"})
_LABELS = {
    "condition": "Condition", "documentation": "Source", "relatedArtifact": "Source", "enableWhen": "Asked when",
    "useContext": "Context", "answerOption": "Answer", "doNotPerform": "Do not perform",
}  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_URI = re.compile(r"(?:https?|urn|ftp):\S+")
_EXTENSION_VALUE = re.compile(r"value(?:String|Markdown|Integer|Decimal|Quantity|Range|Coding|CodeableConcept|Date)$")


def write_resource(resource: dict[str, Any], outline: Outline) -> None:
    """Write a resource under its title; its narrative when nothing else has text."""
    title = title_of(resource)
    if title:
        outline.add_heading(1, title)
    before = outline.size()
    fields = {k: v for k, v in resource.items() if (k in _SAID or k not in SKIPPED) and k != "type"}
    _write_fields(fields, outline, 2, [title or ""])
    outline.add(attached_text(resource))
    narrative = resource.get("text")
    if outline.size() == before and isinstance(narrative, dict):
        outline.add(read_string(str(narrative.get("div") or "")))


def title_of(resource: dict[str, Any]) -> str | None:
    """Return the title of a resource, or its name."""
    return scalar(resource.get("title")) or one_line(resource.get("name")) or None


def _write_fields(node: dict[str, Any], outline: Outline, level: int, told: list[str]) -> None:
    """Write the fields of an element: what it says, then its properties, then what is nested in it, in their order."""
    said = {name: text for name in _SAID if (text := one_line(node.get(name)))}
    for text in said.values():
        if text not in told and not _URI.fullmatch(text):
            outline.add(text)
            told.append(text)
    nested = {name for name in (*HEADED, *LISTED) if isinstance(node.get(name), dict | list)}
    own = sorted(node, key=lambda name: name != "condition")  # when an action applies is said before anything else
    for name in own:
        is_told = isinstance(node[name], str) and scalar(node[name]) in told
        if name not in nested and name not in said and _is_kept(name) and not is_told:
            _write_property(name, node[name], outline, 0)
    for name, value in node.items():
        if name in nested and name in HEADED:
            for child in as_list(value):
                _write_headed(name, child, outline, level)
        elif name in nested:
            _write_listed(name, value, outline, 0)


def _write_headed(name: str, node: Any, outline: Outline, level: int) -> None:
    if not isinstance(node, dict):
        outline.add(scalar(node))
        return
    heading, used = _heading(node)
    outline.add_heading(level, heading or _words(name))
    before = outline.size()
    rest = {key: value for key, value in node.items() if key not in used}
    if isinstance(node.get("text"), dict) and "div" in node["text"]:
        outline.add(read_string(str(rest.pop("text")["div"] or "")))
    _write_fields(rest, outline, level + 1, [heading, scalar(node.get("title"))])
    if not heading and outline.size() == before:
        outline.drop_heading()


def _heading(node: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return what names an element, and the fields that were used up for it."""
    prefix = scalar(node.get("prefix"))
    for name in _TITLES[1:]:
        text = one_line(node.get(name)) if name in node else None
        if text and "\n" not in text and not _URI.fullmatch(text):
            said = f"{prefix} {text}".strip()
            return (said, ("prefix", name)) if name != "code" else (said, ("prefix", "code"))
    return prefix, ("prefix",)


def _write_listed(name: str, value: Any, outline: Outline, depth: int) -> None:
    """Write questions, concepts and the like as nested items."""
    for node in as_list(value):
        if not isinstance(node, dict):
            outline.add_item(scalar(node), depth)
            continue
        if name == "concept":
            heading, used = _concept(node)
        elif name == "answerOption":
            used = tuple(key for key in node if key.startswith("value") and one_line(node[key]))
            heading = "; ".join(text for key in used if (text := one_line(node[key])))
        else:
            heading, used = _heading(node)
        label = f"{_words(_LABELS.get(name, name))}: " if name in _LABELS else ""
        start = depth
        if heading:
            outline.add_item(f"{label}{heading}", depth)
            start = depth + 1
        _write_rest(node, {*used, "type"}, heading, outline, start)


def _write_rest(node: dict[str, Any], used: set[str], heading: str, outline: Outline, depth: int) -> None:
    for key, value in node.items():
        if key in LISTED and isinstance(value, dict | list):
            _write_listed(key, value, outline, depth)
        elif key not in used and _is_kept(key) and value != heading:
            _write_property(key, value, outline, depth, as_item=True)


def _concept(node: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return a concept as code, display and definition."""
    code, display = scalar(node.get("code")), scalar(node.get("display"))
    meaning = scalar(node.get("definition"))
    said = display or code
    if code and display and code != display:
        said = f"{code}: {display}"
    used = tuple(name for name in ("code", "display", "definition") if scalar(node.get(name)))
    return (f"{said}. {meaning}" if meaning and meaning != display else said), used


def _write_property(name: str, value: Any, outline: Outline, depth: int, *, as_item: bool = False) -> None:
    """Write one field by its name; a structure without a form of its own field by field below it."""
    for one in as_list(value):
        if name == "extension":
            _write_extension(one, outline, depth, as_item=as_item)
            continue
        text = _typed(name, one)
        if text is None:
            _write_structure(name, one, outline, depth)
        elif text and not _URI.fullmatch(text):
            line = f"{_words(_LABELS.get(name, name))}: {text}"
            outline.add_item(line, depth) if as_item else outline.add(line)


def _typed(name: str, value: Any) -> str | None:
    """Return a field as one line, None for a structure; a field's own form holds only when nothing else is in it."""
    if not isinstance(value, dict):
        return one_line(value)
    if name in ("relatedArtifact", "documentation") and not value.keys() - _ARTIFACT:
        return citation(value)
    if name == "useContext" and len(value) == 2 and all(one_line(inner) is not None for inner in value.values()):
        return ": ".join(text for inner in value.values() if (text := one_line(inner)))
    if name == "condition" and not value.keys() - {"kind", "expression", "id"}:
        return one_line(value.get("expression"))
    return one_line(value)


def _write_structure(name: str, value: dict[str, Any], outline: Outline, depth: int) -> None:
    if text := attached_text(value):
        outline.add(text)
        return
    kept = {key: inner for key, inner in value.items() if _is_kept(key) and _says_something(inner)}
    if kept:
        outline.add_item(_words(_LABELS.get(name, name)), depth)
    for key, inner in kept.items():
        if key in LISTED and isinstance(inner, dict | list):
            _write_listed(key, inner, outline, depth + 1)
        else:
            _write_property(key, inner, outline, depth + 1, as_item=True)


def _is_kept(name: str) -> bool:
    return name in _NAMING or name in _SAID or name not in SKIPPED


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_is_kept(key) and _says_something(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(_says_something(inner) for inner in value)
    return bool(text := scalar(value)) and not _URI.fullmatch(text)


def _write_extension(value: Any, outline: Outline, depth: int, *, as_item: bool) -> None:
    """Write an extension that holds words or numbers, by the end of its address; codes and flags are for machines."""
    if not isinstance(value, dict):
        return
    label = _words(str(value.get("url") or "").rpartition("/")[2].replace("-", " "))
    for key, inner in value.items():
        text = one_line(inner) if _EXTENSION_VALUE.match(key) else None
        if text and not _URI.fullmatch(text):
            line = f"{label}: {text}"
            outline.add_item(line, depth) if as_item else outline.add(line)
        elif key == "extension":
            for one in as_list(inner):
                _write_extension(one, outline, depth, as_item=as_item)


def _words(name: str) -> str:
    """Return the name of a field as words: doseQuantity is Dose quantity, valueQuantity only Value."""
    if re.match(r"value[A-Z]", name):
        return "Value"
    words = _CAMEL.sub(" ", name)
    return words[:1].upper() + words[1:].lower() if words != name else name[:1].upper() + name[1:]
