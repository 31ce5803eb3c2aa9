"""The data types of FHIR as one line of text each: quantities, ranges, codes, expressions, citations.

Numbers, comparators and units are written as they stand in the resource. A code is written by its display or text, a
bare code only where nothing else is there. What has no form here is written field by field (`fhir_text`). Follows HL7
FHIR R4, 2.24 (data types).
"""

import base64
import binascii
from typing import Any

from sources.parse.html_string import read_string

_QUANTITY = frozenset({"value", "comparator", "unit", "system", "code", "id", "extension"})
_CODING = frozenset({"system", "version", "code", "display", "userSelected", "id", "extension"})
_REFERENCE = frozenset({"reference", "type", "identifier", "display", "id"})
_EXPRESSION = frozenset({"description", "name", "language", "expression", "reference", "id", "extension"})
_RANGE = frozenset({"low", "high", "id"})
_RATIO = frozenset({"numerator", "denominator", "id"})
_PERIOD = frozenset({"start", "end", "id"})
_CONCEPT = frozenset({"coding", "text", "id", "extension"})
_IDENTIFIER_LANGUAGE = "text/cql-identifier"


def one_line(value: Any) -> str | None:
    """Return a value of a known data type as text; None for a structure without such a form, or that says nothing."""
    if not isinstance(value, dict):
        return None if isinstance(value, list) else scalar(value)
    keys = value.keys()
    if not keys - _CONCEPT and keys & {"coding", "text"} and not isinstance(value.get("text"), dict):
        return concept(value) or None
    if not keys - _QUANTITY and "value" in keys:
        return quantity(value) or None
    if not keys - _CODING and keys & {"display", "code"}:
        return scalar(value.get("display")) or scalar(value.get("code")) or None
    if not keys - _REFERENCE and keys & {"reference", "display"}:
        return scalar(value.get("display")) or None
    if not keys - _EXPRESSION and keys & {"expression", "description"}:
        return expression(value) or None
    return _pair(value) or None


def scalar(value: Any) -> str:
    """Return a primitive as text, HTML as Markdown; nothing for null."""
    return read_string(str(value)) if value is not None and not isinstance(value, dict | list) else ""


def quantity(value: dict[str, Any]) -> str:
    """Return comparator, value and unit: <5 mg."""
    unit = scalar(value.get("unit")) or scalar(value.get("code"))
    number = f"{scalar(value.get('comparator'))}{scalar(value.get('value'))}"
    return f"{number} {unit}" if unit and unit != "1" else number


def concept(value: dict[str, Any]) -> str:
    """Return the text of a CodeableConcept and the displays of its codes that say something else."""
    said = [scalar(value.get("text"))]
    codings = [coding for coding in as_list(value.get("coding")) if isinstance(coding, dict)]
    said += [scalar(coding.get("display")) for coding in codings]
    told = list(dict.fromkeys(text for text in said if text))
    return "; ".join(told or [code for coding in codings if (code := scalar(coding.get("code")))])


def expression(value: dict[str, Any]) -> str:
    """Return the description of an expression and the expression, unless that only names a definition elsewhere."""
    described, code = scalar(value.get("description")), scalar(value.get("expression"))
    if described and (value.get("language") == _IDENTIFIER_LANGUAGE or code == described):
        return described
    return f"{described} ({code})" if described and code else described or code


def citation(value: dict[str, Any]) -> str:
    """Return what a RelatedArtifact says about a work, each thing once."""
    said = [scalar(value.get(name)) for name in ("label", "display", "citation")]
    return ". ".join(dict.fromkeys(text.rstrip(".") for text in said if text))


def attached_text(value: dict[str, Any]) -> str:
    """Return the text of an Attachment or Binary that holds one, "" for other content and for broken base64."""
    if not str(value.get("contentType") or "").startswith("text/") or not isinstance(value.get("data"), str):
        return ""
    try:
        return base64.b64decode(value["data"], validate=True).decode("utf-8-sig").strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def as_list(value: Any) -> list[Any]:
    """Return a list without lists in it, null as an empty one, anything else alone in one (XML does not tell lists)."""
    if isinstance(value, list):
        return [inner for item in value for inner in (as_list(item) if isinstance(item, list) else [item])]
    return [] if value is None else [value]


def _pair(value: dict[str, Any]) -> str | None:
    keys = value.keys()
    if keys and not keys - _RANGE:
        low, high = (one_line(value[name]) if value.get(name) else "" for name in ("low", "high"))
        return f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    if keys and not keys - _RATIO:
        return " / ".join(one_line(value[name]) or "" for name in ("numerator", "denominator") if value.get(name))
    if keys and not keys - _PERIOD:
        return " to ".join(scalar(value.get(name)) for name in ("start", "end") if value.get(name))
    return None
