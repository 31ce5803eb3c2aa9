"""CSS selectors to XPath 1.0: the part of CSS that lists of links need, and a clear refusal of the rest.

Names, `*`, `#id`, `.class`, attributes (`[a]`, `=`, `~=`, `|=`, `^=`, `$=`, `*=`), the combinators of descendant,
child (`>`), next (`+`) and later sibling (`~`), commas, `:first-child`, `:last-child`, `:nth-child(n)` with a number,
`:not()` of one simple selector (W3C Selectors Level 3). Anything else is written as XPath by the author of the source.
"""

import re

_SIMPLE = re.compile(
    r"""(?P<name>\*|[A-Za-z][\w-]*)
    |\#(?P<id>[\w-]+)
    |\.(?P<class>[\w-]+)
    |\[\s*(?P<attribute>[\w:-]+)\s*
        (?:(?P<operator>[~|^$*]?=)\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[\w-]+))\s*)?\]
    |:(?P<place>first-child|last-child|nth-child\(\s*(?P<nth>\d{1,4})\s*\))
    |:not\(\s*(?P<not>[^\s()]+(?:\([^()]*\))?)\s*\)""",
    re.X,
)
_COMBINATOR = re.compile(r"\s*([>+~,])\s*|\s+")
_AXES = {
    " ": "/descendant::*",
    ">": "/child::*",
    "+": "/following-sibling::*[1]",
    "~": "/following-sibling::*",
    ",": " | descendant-or-self::*",
}


def xpath_of(selector: str) -> str:
    """Return an XPath that selects, within a context node or itself, what `selector` does, in document order.

    Raises ValueError for what is no selector or not of the part that is read here.
    """
    text = selector.strip()
    path, position = "descendant-or-self::*", 0
    while True:
        position, tests = _compound(text, position)
        path += tests
        if position == len(text):
            return path
        combinator = _COMBINATOR.match(text, position)
        if combinator is None:
            raise ValueError(f"CSS {selector!r}: {text[position:]!r} is not read here; write the selector as XPath")
        path += _AXES[combinator[1] or " "]
        position = combinator.end()


def _compound(text: str, position: int) -> tuple[int, str]:
    """Return where the simple selectors from `position` end, and their tests."""
    tests, start = "", position
    while (match := _SIMPLE.match(text, position)) and not (match["name"] and position > start):
        tests += f"[{_test(match)}]"
        position = match.end()
    if position == start:
        raise ValueError(f"CSS {text!r}: {text[position:]!r} is not read here; write the selector as XPath")
    return position, tests


def _test(match: re.Match[str]) -> str:
    if match["name"]:
        return "true()" if match["name"] == "*" else f"self::{match['name'].lower()}"
    if match["id"]:
        return f"@id = {_quoted(match['id'])}"
    if match["class"]:
        return _word("class", match["class"])
    if match["attribute"]:
        return _attribute(match)
    if match["not"]:
        inner = _SIMPLE.fullmatch(match["not"])
        if inner is None or inner["not"]:
            raise ValueError(f"CSS :not({match['not']}): one simple selector is read here; write it as XPath")
        return f"not({_test(inner)})"
    if match["nth"]:
        return f"count(preceding-sibling::*) = {int(match['nth']) - 1}"
    return "not(preceding-sibling::*)" if match["place"] == "first-child" else "not(following-sibling::*)"


def _attribute(match: re.Match[str]) -> str:
    name = match["attribute"].lower()
    if match["operator"] is None:
        return f"@{name}"
    given = next(value for value in (match["double"], match["single"], match["bare"]) if value is not None)
    value, size = _quoted(given), len(given)
    if not given and match["operator"] != "=":
        return "false()"
    return {
        "=": f"@{name} = {value}",
        "~=": _word(name, given),
        "|=": f"@{name} = {value} or starts-with(@{name}, {_quoted(given + '-')})",
        "^=": f"starts-with(@{name}, {value})",
        "$=": f"substring(@{name}, string-length(@{name}) - {size - 1}) = {value}",
        "*=": f"contains(@{name}, {value})",
    }[match["operator"]]


def _word(name: str, value: str) -> str:
    return f"contains(concat(' ', normalize-space(@{name}), ' '), {_quoted(f' {value} ')})"


def _quoted(value: str) -> str:
    if '"' in value and "'" in value:
        raise ValueError(f"CSS: {value!r} holds both kinds of quotes; write the selector as XPath")
    return f"'{value}'" if '"' in value else f'"{value}"'
