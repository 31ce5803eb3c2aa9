"""The page on which experts judge a sample of documents: that of the report, with a form under each document.

It shows whole texts, also those that may not be passed on, as it is served to the reviewer's own browser alone
(`review_server`) and never written to a file. Every text reaches the page as JSON and is set as text by its script, so
nothing that a document says is ever run. What other reviewers said is not shown, so that their verdicts are their own.
"""

import json
from typing import Any

from pipelines.report.page import WEB, Behind, page
from pipelines.report.page_parts import text
from pipelines.stages.coverage import labels
from pipelines.stages.verdicts import REASONS

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_IN_PAGE = POLICY.partition("; frame-ancestors")[0]
"""A page cannot forbid its own framing; the server's header does."""
_STATES = '<label>Verdict <select id="by-state"><option value="">all</option></select></label>'
_WHO = (
    '<section id="who" class="who"><h2>Who reviews</h2><label>Your name, as it will be written beside your verdicts '
    'and corrections <input id="reviewer" autocomplete="name" maxlength="80"></label>'
    '<p id="progress" role="status"></p></section>'
)


def review_page(name: str, documents: list[dict[str, Any]]) -> str:
    """Return the page for documents as `shown.sample` gives them."""
    known = json.dumps({"reasons": REASONS, "labels": labels()}, ensure_ascii=False).replace("<", "\\u003c")
    lead = text(
        f"Judge the documents of {name} one by one: accept, reject with a reason, or correct what is known about them. "
        "A later verdict of yours on a document replaces the earlier one. One rejection is enough for a document to go."
    )
    data = f'<script type="application/json" id="known">{known}</script>'
    script = (WEB / "review.js").read_text(encoding="utf-8")
    told = (
        f"{len(documents):,} documents, balanced over sources, disease groups, regions and whether a model wrote them; "
        "what their source gave is on the left where stages changed it."
    )
    return page(f"{name}: review", lead, [_WHO + data], told, documents, Behind(script, _STATES, _IN_PAGE))
