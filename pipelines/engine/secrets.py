"""Takes secrets out of whatever is written or shown."""

import re

_SECRET_NAME = re.compile(r"TOKEN|KEY|SECRET|PASSWORD", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Return whether an environment variable of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None
