"""One FHIR resource as an outline: its actions, questions, concepts and sections, with every text that they hold.

Known are the few structures that nest (actions of a plan, items of a questionnaire, concepts of a code system, sections
of a document); every other field is written by its name and value, so that a resource type nobody thought of loses
nothing either. The generated narrative is left out, unless it is all that there is. Recursion goes as deep as the
resource nests, which the parsers of JSON and XML bound. Not here: which fields are for people (`fhir_fields`).
"""

from typing import Any

from sources.parse.fhir_fields import (
    EXTENSION_VALUE,
    HEADED,
    LISTED,
    SAID,
    SKIPPED,
    URI,
    concept_heading,
    heading_of,
    is_kept,
    label_of,
    says_something,
    title_of,
    typed,
)
from sources.parse.fhir_types import as_list, attached_text, one_line, scalar
from sources.parse.html_string import read_string
from sources.parse.outline import Outline


def write_resource(resource: dict[str, Any], outline: Outline) -> None:
    """Write a resource under its title; its narrative when nothing else has text."""
    title = title_of(resource)
    if title:
        outline.add_heading(1, title)
    before = outline.size()
    fields = {k: v for k, v in resource.items() if (k in SAID or k not in SKIPPED) and k != "type"}
    _write_fields(fields, outline, 2, [title or ""])
    outline.add(attached_text(resource))
    narrative = resource.get("text")
    if outline.size() == before and isinstance(narrative, dict):
        outline.add(read_string(str(narrative.get("div") or "")))


def _write_fields(node: dict[str, Any], outline: Outline, level: int, told: list[str]) -> None:
    """Write the fields of an element: what it says, then its properties, then what is nested in it, in their order."""
    said = {name: text for name in SAID if (text := one_line(node.get(name)))}
    for text in said.values():
        if text not in told and not URI.fullmatch(text):
            outline.add(text)
            told.append(text)
    nested = {name for name in (*HEADED, *LISTED) if isinstance(node.get(name), dict | list)}
    own = sorted(node, key=lambda name: name != "condition")  # when an action applies is said before anything else
    for name in own:
        is_told = isinstance(node[name], str) and scalar(node[name]) in told
        if name not in nested and name not in said and is_kept(name) and not is_told:
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
    heading, used = heading_of(node)
    outline.add_heading(level, heading or label_of(name))
    before = outline.size()
    rest = {key: value for key, value in node.items() if key not in used}
    if isinstance(node.get("text"), dict) and "div" in node["text"]:
        outline.add(read_string(str(rest.pop("text")["div"] or "")))
    _write_fields(rest, outline, level + 1, [heading, scalar(node.get("title"))])
    if not heading and outline.size() == before:
        outline.drop_heading()


def _write_listed(name: str, value: Any, outline: Outline, depth: int) -> None:
    """Write questions, concepts and the like as nested items."""
    for node in as_list(value):
        if not isinstance(node, dict):
            outline.add_item(scalar(node), depth)
            continue
        if name == "concept":
            heading, used = concept_heading(node)
        elif name == "answerOption":
            used = tuple(key for key in node if key.startswith("value") and one_line(node[key]))
            heading = "; ".join(text for key in used if (text := one_line(node[key])))
        else:
            heading, used = heading_of(node)
        label = f"{label_of(name)}: " if name == "answerOption" else ""
        start = depth
        if heading:
            outline.add_item(f"{label}{heading}", depth)
            start = depth + 1
        _write_rest(node, {*used, "type"}, heading, outline, start)


def _write_rest(node: dict[str, Any], used: set[str], heading: str, outline: Outline, depth: int) -> None:
    for key, value in node.items():
        if key in LISTED and isinstance(value, dict | list):
            _write_listed(key, value, outline, depth)
        elif key not in used and is_kept(key) and value != heading:
            _write_property(key, value, outline, depth, as_item=True)


def _write_property(name: str, value: Any, outline: Outline, depth: int, *, as_item: bool = False) -> None:
    """Write one field by its name; a structure without a form of its own field by field below it."""
    for one in as_list(value):
        if name == "extension":
            _write_extension(one, outline, depth, as_item=as_item)
            continue
        text = typed(name, one)
        if text is None:
            _write_structure(name, one, outline, depth)
        elif text and not URI.fullmatch(text):
            line = f"{label_of(name)}: {text}"
            outline.add_item(line, depth) if as_item else outline.add(line)


def _write_structure(name: str, value: dict[str, Any], outline: Outline, depth: int) -> None:
    if text := attached_text(value):
        outline.add(text)
        return
    kept = {key: inner for key, inner in value.items() if is_kept(key) and says_something(inner)}
    if kept:
        outline.add_item(label_of(name), depth)
    for key, inner in kept.items():
        if key in LISTED and isinstance(inner, dict | list):
            _write_listed(key, inner, outline, depth + 1)
        else:
            _write_property(key, inner, outline, depth + 1, as_item=True)


def _write_extension(value: Any, outline: Outline, depth: int, *, as_item: bool) -> None:
    """Write an extension that holds words or numbers, by the end of its address; codes and flags are for machines."""
    if not isinstance(value, dict):
        return
    label = label_of(str(value.get("url") or "").rpartition("/")[2].replace("-", " "))
    for key, inner in value.items():
        text = one_line(inner) if EXTENSION_VALUE.match(key) else None
        if text and not URI.fullmatch(text):
            line = f"{label}: {text}"
            outline.add_item(line, depth) if as_item else outline.add(line)
        elif key == "extension":
            for one in as_list(inner):
                _write_extension(one, outline, depth, as_item=as_item)
