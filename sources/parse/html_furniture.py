"""Which elements declare or name themselves menu, footer, dialog or other surroundings of the text.

Tags and roles are declarations, names (class, id) are hints: some never mean body text ("navbar", "cookies"), others
do now and then ("sidebar" around the whole page), which is for the selector to find out. Answers are kept by name,
as pages repeat few names thousands of times. Not here: what follows for a block (`html_gaps`, `html_density`).
"""

import re
from functools import lru_cache

from lxml import etree

_TAGS = frozenset({"nav", "footer", "dialog", "menu", "search", "form"})
_NEVER = frozenset({"body", "html", "main", "article"})
_ROLES = frozenset({
    "navigation", "banner", "contentinfo", "search", "dialog", "alertdialog", "menu", "menubar",
    "toolbar", "tablist",
})  # fmt: skip
_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NAME = re.compile(
    r"(?:^|[\s-])(?:nav|navbar|navigation|menu|breadcrumbs?|footer|sidebar|cookies?|consent|share|sharing|social|"
    r"subscribe|newsletter|related|recommended|advert|advertisement|ads?|promo|banner|pagination|pager|login|"
    r"toolbar|comments?|trending|sign-?up|skip|print-only|modal|popup|tags?|byline|toc)(?:$|[\s-])"
)
_SURE_NAME = re.compile(
    r"(?:^|[\s-])(?:navbar|breadcrumbs?|cookies?|consent|subscribe|newsletter|advert|advertisement|ads?|pagination|"
    r"pager|login|sign-?up|byline)(?:$|[\s-])"
)
"""Names of furniture that stay so wherever the element stands and whatever it says."""
_HINT = re.compile(
    r"nav|menu|bread|foot|side|cook|cons|shar|soci|subs|news|rela|reco|ad|prom|bann|pag|log|tool|comm|tren|sign|skip|"
    r"prin|moda|popu|tag|byli|toc"
)
"""What every name above begins with: most values hold none of it, and the other patterns cost more."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_TELLING = frozenset({"class", "id", "role", "style", "hidden"})
_TELLING_OF_HEADINGS = _TELLING - {"id"}
"""The id of a heading names what it heads, or what links to it ("s1_toc")."""
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_MAX_VALUE_CHARS = 500
_VALUES_KEPT = 8192


def is_furniture(element: etree._Element) -> bool:
    """Say whether an element declares or names itself menu, footer, dialog or other surroundings."""
    tag = element.tag
    if tag in _NEVER:
        return False
    if tag in _TAGS or tag == "aside":
        return True
    telling = _TELLING_OF_HEADINGS if tag in _HEADINGS else _TELLING
    for name in element.keys():  # noqa: SIM118  # an element is no mapping
        if name in telling and _tells(name, (element.get(name) or "")[:_MAX_VALUE_CHARS])[0]:
            return True
    return False


def is_surely_furniture(element: etree._Element) -> bool:
    """Say whether an element is furniture by its tag, role or style, or by a name that never means body text."""
    if element.tag in _TAGS:
        return True
    return any(_tells(name, str(value)[:_MAX_VALUE_CHARS])[1] for name, value in element.items() if name in _TELLING)


def _tells(name: str, value: str) -> tuple[bool, bool]:
    """Say whether an attribute means furniture, and whether it does so beyond doubt."""
    return _judged_name(value) if name == "id" else _judged(name, value)


@lru_cache(maxsize=_VALUES_KEPT)
def _judged(name: str, value: str) -> tuple[bool, bool]:
    if name == "hidden":
        return (value != "until-found",) * 2
    if name == "style":
        return (bool(_HIDDEN.search(value)),) * 2
    if name == "role":
        role = value.lower()
        return role in _ROLES or role == "complementary", role in _ROLES
    return _judged_name(value)


def _judged_name(value: str) -> tuple[bool, bool]:
    if not _HINT.search(value.lower()):
        return False, False
    words = _CASE.sub("-", value).replace("_", "-").lower()
    return bool(_NAME.search(words)), bool(_SURE_NAME.search(words))
