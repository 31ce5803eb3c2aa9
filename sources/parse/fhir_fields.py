"""Which fields of FHIR are for people, by what name they go, and what heads an element.

Left out are addresses, identifiers and codes for machines; every other field is for people, known or not, so that a
resource type nobody thought of loses nothing. Not here: data types (`fhir_types`), and how it is written (`fhir_text`).
"""

import re
from typing import Any

from sources.parse.fhir_types import citation, one_line, scalar

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
SAID = ("description", "definition", "textEquivalent", "purpose", "usage")
_NAMING = frozenset({"text", "title", "name", "date", "definition"})
"""Fields of SKIPPED that say something within a structure."""
_ARTIFACT = frozenset({"id", "type", "label", "display", "citation", "url", "resource"})
_LABELS = {
    "condition": "Condition", "documentation": "Source", "relatedArtifact": "Source", "enableWhen": "Asked when",
    "useContext": "Context", "answerOption": "Answer", "doNotPerform": "Do not perform",
}  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
URI = re.compile(r"(?:https?|urn|ftp):\S+")
EXTENSION_VALUE = re.compile(r"value(?:String|Markdown|Integer|Decimal|Quantity|Range|Coding|CodeableConcept|Date)$")


def title_of(resource: dict[str, Any]) -> str | None:
    """Return the title of a resource, or its name."""
    return scalar(resource.get("title")) or one_line(resource.get("name")) or None


def heading_of(node: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return what names an element, and the fields that were used up for it."""
    prefix = scalar(node.get("prefix"))
    for name in _TITLES[1:]:
        text = one_line(node.get(name)) if name in node else None
        if text and "\n" not in text and not URI.fullmatch(text):
            said = f"{prefix} {text}".strip()
            return said, ("prefix", name)
    return prefix, ("prefix",)


def concept_heading(node: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return a concept as code, display and definition."""
    code, display = scalar(node.get("code")), scalar(node.get("display"))
    meaning = scalar(node.get("definition"))
    said = display or code
    if code and display and code != display:
        said = f"{code}: {display}"
    used = tuple(name for name in ("code", "display", "definition") if scalar(node.get(name)))
    return (f"{said}. {meaning}" if meaning and meaning != display else said), used


def typed(name: str, value: Any) -> str | None:
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


def is_kept(name: str) -> bool:
    """Say whether a field within a resource is for people."""
    return name in _NAMING or name in SAID or name not in SKIPPED


def says_something(value: Any) -> bool:
    """Say whether there is a word or number for people anywhere in a value."""
    if isinstance(value, dict):
        return any(is_kept(key) and says_something(inner) for key, inner in value.items())
    if isinstance(value, list):
        return any(says_something(inner) for inner in value)
    return bool(text := scalar(value)) and not URI.fullmatch(text)


def label_of(name: str) -> str:
    """Return the name of a field as words: doseQuantity is Dose quantity, valueQuantity only Value."""
    if name in _LABELS:
        return _LABELS[name]
    if re.match(r"value[A-Z]", name):
        return "Value"
    spaced = _CAMEL.sub(" ", name)
    return spaced[:1].upper() + spaced[1:].lower() if spaced != name else name[:1].upper() + name[1:]
