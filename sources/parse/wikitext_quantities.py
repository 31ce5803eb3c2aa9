"""Quantities in templates of wikitext, as the author wrote them: measures, numbers, fractions, formulae.

{{convert}}, {{val}}, {{frac}} and {{chem}} say their numbers in their parameters. Nothing is converted or rounded: what
the wiki would compute is left out. Superscripts and subscripts are HTML, which `html_inline` turns into signs.
"""

import re
from collections.abc import Callable, Mapping

Fields = Mapping[str, str]
"""Parameters of a template as HTML: positional ones under "1", "2", ..."""


_NUMBER = re.compile(r"[-−–+]?\s*[\d.,\s\u2009\xa0/]+(?:e[-+]?\d+)?(?:±.*)?$", re.IGNORECASE)
_MIXED = re.compile(r"([-−–+]?\s*\d+)\s*\+\s*(\d+)\s*/{1,2}\s*(\d+)$")
"""Two and a half as {{convert}} takes it: 2+1/2."""
_BETWEEN = {
    "-": "–", "–": "–", "to": " to ", "to about": " to about ", "to(-)": " to ", "by": " by ", "x": " × ", "xx": " × ",
    "*": " × ", "×": " × ", "and": " and ", "and(-)": " and ", "or": " or ", "+/-": " ± ", "±": " ± ", "+": " + ",
    ",": ", ", "/": "/",
}  # fmt: skip
"""What stands between two numbers -> how it is written."""
_POWERS = {"3": "thousand", "6": "million", "9": "billion", "12": "trillion"}
_UNITS = {"C": "°C", "F": "°F", "K": "K", "C-change": "°C", "F-change": "°F", "ug": "µg", "uL": "µL"}


def positional(fields: Fields) -> list[str]:
    """Return the positional parameters in order."""
    return [value for key, value in fields.items() if key.isdigit()]


def _convert(fields: Fields) -> str:
    """Return the quantity of {{convert}} in its first unit: what the author wrote, not what the wiki makes of it."""
    values = positional(fields)
    said, at = "", 0
    while at < len(values):
        value = values[at].strip()
        if value in _BETWEEN and said:
            said += _BETWEEN[value]
        elif mixed := _MIXED.match(value):
            said += f"{mixed[1]} {mixed[2]}/{mixed[3]}"
        elif _NUMBER.match(value):
            said += value
        else:
            break
        at += 1
    unit = values[at].strip() if at < len(values) else ""
    if power := re.match(r"e(3|6|9|12)(?=\D)", unit):
        said, unit = f"{said} {_POWERS[power[1]]}", unit[power.end() :]
    unit = _UNITS.get(unit, unit)
    return f"{said} {unit}".strip() if unit != "%" else f"{said}%"


def _val(fields: Fields) -> str:
    """Return {{val}}: prefix, number, uncertainty, power of ten, unit, suffix."""
    values = [value.strip() for value in positional(fields)]
    said = values[0] if values else ""
    if len(values) > 2 and values[1] in _BETWEEN:
        said = "".join(_BETWEEN.get(value, value) for value in values)
    elif len(values) > 2:
        said += f" +{values[1].lstrip('+')} −{values[2].lstrip('-−')}"
    elif len(values) == 2:
        said += values[1] if values[1].startswith("(") else f" ± {values[1]}"
    if power := fields.get("e", "").strip():
        said += f" × 10<sup>{power}</sup>"
    unit = next((fields[name].strip() for name in ("u", "ul") if fields.get(name)), "")
    per = next((fields[name].strip() for name in ("up", "upl") if fields.get(name)), "")
    said += f" {_UNITS.get(unit, unit)}" if unit and unit != "%" else unit
    return f"{fields.get('p', '')}{said}{f'/{per}' if per else ''}{fields.get('s', '')}"


def _fraction(fields: Fields) -> str:
    values = [value.strip() for value in positional(fields)]
    if len(values) == 1:
        return f"1/{values[0]}"
    return f"{values[0]} {values[1]}/{values[2]}" if len(values) > 2 else "/".join(values)


def _chemical(fields: Fields) -> str:
    """Return {{chem}}: signs and numbers by turns; numbers below, a charge (4+, -) above."""
    said = ""
    for value in (value.strip() for value in positional(fields)):
        if re.fullmatch(r"\d+", value):
            said += f"<sub>{value}</sub>"
        elif re.fullmatch(r"\d*[+−-]", value):
            said += f"<sup>{value}</sup>"
        else:
            said += value
    return said


def _formula(fields: Fields) -> str:
    """Return {{chem2}}: numbers after a letter or bracket below the line, a charge above."""
    said = re.sub(r"(?<=[A-Za-z)\]])(\d+)(?![+−-])", r"<sub>\1</sub>", "".join(positional(fields)))
    return re.sub(r"(?<=[A-Za-z)\]>])(\d*[+−-])(?=$|\s)", r"<sup>\1</sup>", said)


def _power(fields: Fields) -> str:
    return f" × 10<sup>{fields.get('1', '')}</sup>"


def _scripts(fields: Fields) -> str:
    """Return {{su}}: one above the other."""
    above, below = fields.get("p") or fields.get("1", ""), fields.get("b") or fields.get("2", "")
    return (f"<sub>{below}</sub>" if below else "") + (f"<sup>{above}</sup>" if above else "")


QUANTITIES: Mapping[str, Callable[[Fields], str]] = {
    **dict.fromkeys(("convert", "cvt", "conv"), _convert),
    **dict.fromkeys(("val", "value"), _val),
    **dict.fromkeys(("frac", "sfrac", "fraction", "⁄"), _fraction),
    **dict.fromkeys(("chem", "chemf"), _chemical),
    **dict.fromkeys(("chem2", "ce"), _formula),
    **dict.fromkeys(("e", "exp", "x10^"), _power),
    **dict.fromkeys(("su", "subsup", "sup sub"), _scripts),
}
"""Name of a template -> its writer."""
