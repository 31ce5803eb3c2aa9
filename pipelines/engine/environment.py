"""What of the environment decides bytes: the versions of Python, of Unicode's tables and of every declared dependency.

Bytes are promised within one locked environment, so the environment is part of every identity: an upgraded library
makes work run again instead of passing off old bytes as its own. The list is the project's own declaration, hence
complete by itself. Not here: host, time, hardware, which must not matter.
"""

import platform
import re
import unicodedata
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

DISTRIBUTION = "medmix"


@cache
def environment() -> dict[str, str]:
    """Return name -> version of what decides bytes; optional dependencies are not counted."""
    found = {"python": platform.python_version(), "unicode": unicodedata.unidata_version}
    try:
        found[DISTRIBUTION] = version(DISTRIBUTION)
        declared = requires(DISTRIBUTION) or []
    except PackageNotFoundError:  # run from a checkout that was never installed
        return found
    for line in declared:
        name = re.match(r"[A-Za-z0-9._-]+", line)
        if name is None or "extra ==" in line:
            continue
        try:
            found[name.group()] = version(name.group())
        except PackageNotFoundError:  # declared for another system
            continue
    return found
