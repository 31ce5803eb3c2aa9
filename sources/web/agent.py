"""Who we say we are: one agent string with a contact, sent with every request and matched against robots.txt.

The product token comes first, as RFC 9309 asks for; the contact is the user's, because whoever fetches answers for it.
Not here: checking that a contact reaches somebody (`sources.web.settings`).
"""

from pipelines.engine.environment import DISTRIBUTION, environment
from sources.web.signal import PRODUCT


def agent_of(contact: str) -> str:
    """Return the User-Agent of a run, e.g. `medmix/0.1.0 (+https://example.org/crawl)`."""
    return f"{PRODUCT}/{environment().get(DISTRIBUTION, '0')} (+{contact})"
