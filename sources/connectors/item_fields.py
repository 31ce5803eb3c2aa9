"""Fields of an item by selectors: which names there are, and what stands on a page where they point.

Used by every connector that reads HTML, for rows of a list and for landing pages alike. Not here: what makes a value
of a field a good one (`facts`).
"""

from typing import Annotated

from lxml.html import HtmlElement
from pydantic import AfterValidator

from sources.connectors.answer import Page
from sources.connectors.facts import facts
from sources.connectors.selector import Selector, elements, first_text
from sources.web.link import FIELDS


def known_fields(fields: dict[str, str]) -> dict[str, str]:
    """Return `fields`. Raises ValueError for a name that no item has."""
    if unknown := sorted(fields.keys() - FIELDS):
        raise ValueError(f"{unknown[0]!r} is no field of an item; known are {', '.join(sorted(FIELDS))}")
    return fields


Fields = Annotated[dict[str, Selector], AfterValidator(known_fields)]
"""Name of a field to the selector of its value, in an option."""


def fields_at(node: HtmlElement | str, selectors: dict[str, str], page: Page) -> dict[str, str]:
    """Return the facts of an item; an element selected for `rights` that is a link also gives its address."""
    if isinstance(node, str):
        return {}
    found = {name: first_text(node, selector) for name, selector in selectors.items()}
    if "rights" in selectors:
        addresses = (page.address(link.get("href") or "") for link in elements(node, selectors["rights"]))
        found["rights"] = "\n".join(filter(None, [*addresses, found["rights"]]))
    return facts(found)
