"""Templates of wikitext as HTML: those that carry numbers and words are written out, furniture is left out.

Without the wiki a template cannot be expanded, but the ones that clinical pages use for quantities ({{convert}},
{{val}}, {{frac}}, {{chem}}) say their numbers in their parameters, which are written as they stand: nothing is
converted or rounded. Fields of an infobox become items. A template that is not known here keeps its parameters, because
a number left out is worse than a name too many, and its name when that is no word ({{≥}}, {{1/2}}). Not here: links,
tags and tables (`wikitext`).
"""

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import NamedTuple

from sources.parse.wikitext_names import ANSWERS, BEFORE, BOXES, FIRST, FURNITURE, LISTS, PICTURES, SECOND, SIGNS
from sources.parse.wikitext_quantities import QUANTITIES, Fields, positional


class Written(NamedTuple):
    """What became of a template: its HTML, and whether it is known, unknown or furniture."""

    html: str
    fate: str


def write_template(name: str, fields: Fields) -> Written:
    """Return what a template says. `name` is as written, its fields are HTML already."""
    key = re.sub(r"[\s_]+", " ", name).strip().removeprefix("Template:").removeprefix("template:").casefold()
    word, colon, _ = key.partition(":")
    if colon and word in ("formatnum", "lc", "uc", "lcfirst", "ucfirst", "nowrap"):
        return Written(escape(name.partition(":")[2].strip(), quote=False), "known")
    if key in SIGNS and not (key in ANSWERS and fields.get("1")):
        return Written(_sign(key, fields), "known")
    if key in WRITERS:
        return Written(WRITERS[key](fields), "known")
    if key in FIRST:
        return Written(fields.get("1") or fields.get("text", ""), "known")
    if key in SECOND:
        return Written(fields.get("2") or fields.get("text", ""), "known")
    if key.startswith(("lang-", "lang ")):
        return Written(fields.get("1", ""), "known")
    if key in LISTS:
        return Written(_list(fields), "known")
    if key.startswith(BOXES):
        return Written(_box(fields), "known")
    if FURNITURE.fullmatch(key) or key.startswith("#") or (colon and not fields):
        return Written("", "furniture")
    said = _unknown(fields)
    return Written(said if re.search(r"[^\W\d_]", name) else f"{escape(name.strip(), quote=False)}{said}", "unknown")


def _sign(key: str, fields: Fields) -> str:
    """Return a sign with the number that some take."""
    if key in ("deg", "degree"):
        return f"{fields.get('1', '').strip()}{SIGNS[key]}"
    return SIGNS[key] + (", ".join(value.strip() for value in positional(fields)) if key in BEFORE else "")


def _unknown(fields: Fields) -> str:
    """Return all that a template was given: positional values, then named ones with their names."""
    named = [(key, value) for key, value in fields.items() if not key.isdigit() and value.strip()]
    if len(named) > 2:
        return _box(fields)
    said = [value.strip() for value in positional(fields) if value.strip()]
    said += [f"{escape(key, quote=False)}: {value.strip()}" for key, value in named if re.search(r"\d", value)]
    return ", ".join(said)


def _box(fields: Fields) -> str:
    """Return the fields of a box as items; those that say how a picture is shown are left out."""
    items = [
        f"<li>{escape(key.replace('_', ' '), quote=False)}: {value.strip()}</li>"
        if not key.isdigit()
        else f"<li>{value}</li>"
        for key, value in fields.items()
        if value.strip() and (not PICTURES.fullmatch(key) or "caption" in key)
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _list(fields: Fields) -> str:
    title = fields.get("title", "")
    items = "".join(f"<li>{value.strip()}</li>" for value in positional(fields) if value.strip())
    return f"{title}<ul>{items}</ul>" if items else title


def _date(fields: Fields) -> str:
    values = [value.strip() for value in positional(fields)][:3]
    return "-".join(value.zfill(2) for value in values)


def _note(fields: Fields) -> str:
    said = fields.get("1", "").strip()
    return f" [{said}]" if said else ""


def _joined(separator: str) -> Callable[[Fields], str]:
    return lambda fields: separator.join(positional(fields))


WRITERS: Mapping[str, Callable[[Fields], str]] = {
    **QUANTITIES,
    **dict.fromkeys(("start date", "end date", "start date and age", "birth date", "dts", "date"), _date),
    **dict.fromkeys(("efn", "note", "efn-ua", "efn-lr", "refn", "footnote"), _note),
    **dict.fromkeys(("sup", "smallsup", "^"), lambda fields: f"<sup>{fields.get('1', '')}</sup>"),
    **dict.fromkeys(("sub", "smallsub"), lambda fields: f"<sub>{fields.get('1', '')}</sub>"),
    **dict.fromkeys(("gaps", "gapnum"), _joined("\u2009")),
    **dict.fromkeys(("circa", "c.", "ca."), lambda fields: f"c. {fields.get('1', '')}"),
    **dict.fromkeys(("us$", "usd"), lambda fields: f"US${fields.get('1', '')}"),
    **dict.fromkeys(("10^",), lambda fields: f"10<sup>{fields.get('1', '')}</sup>"),
    **dict.fromkeys(("isotope", "nuclide"), lambda fields: f"<sup>{fields.get('2', '')}</sup>{fields.get('1', '')}"),
}
