"""How kinds of sites list what they hold: pure functions from a page to the links on it.

A connector is one file with `Options` (what a source declares under `web.options`), `start(options)` (the first links)
and `expand(body, key, options)`, which runs in the sandbox: it gets the bytes of an answer, the address they came from
and `{"connector": options, "link": the link that was followed, "media_type": ...}`, and yields a `Link` for each page
that lists more or document that is asked for, and a `Fault` for what cannot be followed: with a name when it is one
entry of the list, without one when it is the page as a whole (its next page, its length). It raises
`Unreadable("structure_changed", ...)` when the page is not built as the source declares. No network, clock or state.
"""
