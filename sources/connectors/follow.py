"""Following a list over its pages: where a step stands, and the next page within bounds.

A connector is a pure function of one page, so how far a list has been followed travels in the link's `step`, written
as `name:number`. A next page that is the page itself ends the list, and so does the bound that the source sets: both
with a Fault, so that a list cut short is seen. Rings of pages end in the frontier, which visits an address once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sources.connectors.answer import changed
from sources.parse.part import Fault
from sources.web.link import Link

FEW = 3
"""So many bad entries, and no good one, are no accident."""


def step_of(options: dict[str, Any]) -> tuple[str, int]:
    """Return name and number of the step that found this page; ("", 0) when nothing is said."""
    name, _, number = str((options.get("link") or {}).get("step") or "").rpartition(":")
    return name, int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def carried(options: dict[str, Any]) -> dict[str, str]:
    """Return the fields that came with the link to this page."""
    fields = (options.get("link") or {}).get("fields") or {}
    return {str(name): str(value) for name, value in fields.items()}


def index(url: str, step: str, number: int = 0, fields: Mapping[str, str] | None = None) -> Link:
    """Return a link to a page that lists more."""
    return Link(url=url, role="index", step=f"{step}:{number}", fields=dict(fields or {}))


def item(url: str, fields: Mapping[str, str] | None = None) -> Link:
    """Return a link to a document."""
    return Link(url=url, role="item", fields=dict(fields or {}))


def entries(found: Iterable[Link | Fault], listed: int) -> list[Link | Fault]:
    """Return what was found in a list of `listed` entries, wanted or not.

    Raises Unreadable structure_changed when it has entries, and none has an address.
    """
    every = list(found)
    bad = sum(isinstance(one, Fault) and one.reason == "bad_link" for one in every)
    if bad == listed >= FEW:
        raise changed("entries with an address", f"none in {listed}")
    return every


def onward(url: str | None, key: str, options: dict[str, Any], max_pages: int) -> Iterator[Link | Fault]:
    """Yield the next page of the same step, or the Fault that says why the list was left; nothing when it ends."""
    if url is None:
        return
    step, number = step_of(options)
    if url in (key, (options.get("link") or {}).get("url")):
        yield Fault(reason="next_repeats", detail=f"page {number + 1} of step {step!r}")
    elif number + 1 >= max_pages:
        yield Fault(reason="too_many_pages", detail=f"more than {max_pages} pages in step {step!r}")
    else:
        yield index(url, step, number + 1, carried(options))
