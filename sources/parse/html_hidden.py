"""Text that a page carries but does not show: removed, and counted.

Hidden are elements with the `hidden` attribute, with a style of their own that keeps them from being seen (no display,
no size, no opacity, far off the page), and those whose class or id a simple rule of the page's own style sheets hides.
A rule inside an at-rule (print, small screens) is passed over, and so is a name that another rule shows again: tabs
and folds are hidden only until someone asks for them. Text that a script fades in (opacity 0 with a transform) is not
hidden. A page that hides more than it shows waits for its script, and keeps its text. Not here: style sheets
elsewhere, colours, and elements for screen readers, which are read aloud.
"""

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement

from sources.parse.html_space import keep_apart

_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity(?!.*trans))\s*:\s*0+(?:\.0+)?\s*"
    r"(?:px|pt|em|rem|%)?\s*(?:!|;|$)|(?:left|top|right|text-indent|margin-left)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_HIDES = (re.compile(r"display\s*:\s*none"), re.compile(r"visibility\s*:\s*hidden"))
"""For style sheets, which are long: patterns that begin with letters are searched many times as fast."""
_SHOWS = r"(?![\w-])[^{}]{0,300}\{[^{}]{0,1000}(?:display\s*:\s*(?!none)\w|visibility\s*:\s*visible)"
_SIMPLE = re.compile(r"[a-zA-Z]*([.#][A-Za-z_][\w-]*)")
MAX_SHEET_CHARS = 200_000
MAX_HIDDEN_SHARE = 0.5


def style_sheets(tree: HtmlElement) -> str:
    """Return the rules of the style sheets inside the page."""
    return "\n".join(sheet.text or "" for sheet in tree.iter("style"))[:MAX_SHEET_CHARS]


def remove_hidden(tree: HtmlElement, sheets: str) -> int:
    """Remove what the page hides, by itself or by its `sheets`, in place; return how many characters that were."""
    body = tree.find("body")
    root = tree if body is None else body
    names = frozenset(_hidden_names(sheets))
    styled = [e for e in root.iter() if e.get("style") is not None or e.get("hidden") is not None]
    found = [element for element in styled if element is not root and _hides_itself(element)]
    if names:
        found += _hidden_by_name(root, names, sheets)
    if not found:
        return 0
    among = dict.fromkeys(found)
    outer = [element for element in among if not any(above in among for above in element.iterancestors())]
    texts = [_text(element) for element in outer]
    if sum(map(len, texts)) > MAX_HIDDEN_SHARE * len(_text(root)):
        return 0
    for element in outer:
        keep_apart(element)
        element.drop_tree()
    return sum(len("".join(text.split())) for text in texts)


def _hides_itself(element: etree._Element) -> bool:
    style, attribute = element.get("style"), element.get("hidden")
    hides = (attribute is not None and attribute != "until-found") or (style is not None and _STYLE.search(style))
    return bool(hides) and _is_removable(element)


def _is_removable(element: etree._Element) -> bool:
    """Say whether an element holds no formula: the one behind a picture is hidden from the eye alone."""
    return element.find(".//math") is None


def _hidden_names(sheets: str) -> Iterator[str]:
    """Yield the classes (".x") and ids ("#x") that a rule outside every at-rule hides."""
    for pattern in _HIDES:
        depth = at = 0
        for match in pattern.finditer(sheets):
            depth += sheets.count("{", at, match.start()) - sheets.count("}", at, match.start())
            at = match.start()
            if depth == 1:
                brace = sheets.rfind("{", 0, at)
                begun = max(sheets.rfind("}", 0, brace), sheets.rfind("/", 0, brace), sheets.rfind(";", 0, brace)) + 1
                for selector in sheets[begun:brace].split(","):
                    if simple := _SIMPLE.fullmatch(selector.strip()):
                        yield simple[1]


def _hidden_by_name(root: etree._Element, names: frozenset[str], sheets: str) -> list[etree._Element]:
    used: dict[str, list[etree._Element]] = {}
    telling: dict[str, list[str]] = {}
    for element in root.iter():
        classes, identity = element.get("class"), element.get("id")
        if classes and classes not in telling:
            telling[classes] = [f".{one}" for one in classes.split() if f".{one}" in names]
        found = telling[classes] if classes else []
        for name in [*found, f"#{identity}"] if identity and f"#{identity}" in names else found:
            if element is not root and _is_removable(element):
                used.setdefault(name, []).append(element)
    shown = [name for name in used if re.search(re.escape(name) + _SHOWS, sheets)]
    return [element for name, elements in used.items() if name not in shown for element in elements]


def _text(element: etree._Element) -> str:
    return etree.tostring(element, method="text", encoding="unicode", with_tail=False)
