"""Whether this machine can render pages: the extra `render`, and a Chromium of the system that its sandbox lets start.

Looked for before anything is asked of a site, so that a crawl never finds out half way. A browser is never downloaded:
one that the system keeps up to date is the safer one. Not here: starting and walling it off (`sources.web.render`).
"""

import os
import shutil
from importlib.util import find_spec

from pipelines.engine.errors import ConfigError

NAMES = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str:
    """Return the path of a Chromium. Raises ConfigError that says what is missing."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    missing = []
    if find_spec("playwright") is None:
        missing.append("install the extra `render` (playwright), e.g. with: pip install 'medmix[render]'")
    if found is None:
        missing.append(f"install a Chromium with your system's packages, none of {', '.join(NAMES)} is on the path")
    if os.geteuid() == 0:
        missing.append("fetch as a user other than root, because the sandbox of the browser needs one")
    if found is None or missing:
        raise ConfigError(f"web.render: pages cannot be rendered in a browser here: {'; '.join(missing)}")
    return found
