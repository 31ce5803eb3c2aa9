"""Refuse to run when another distribution shadows one of our three import names.

`pipelines`, `sources` and `mixer` are common words and PyPI has projects of all three names; with one of them
installed, half of this program would silently be somebody else's. They must lie side by side.
"""

from importlib.util import find_spec
from pathlib import Path

from pipelines.engine.errors import ConfigError


def check_names() -> None:
    """Raise ConfigError naming the offending path unless `sources` and `mixer` lie beside `pipelines`."""
    root = Path(__file__).parent.parent
    for name in ("sources", "mixer"):
        spec = find_spec(name)
        found = Path(spec.origin).parent if spec and spec.origin else None
        if found != root / name:
            raise ConfigError(
                f"the package {name!r} comes from {found}, not from {root / name}: another distribution shadows it; "
                f"uninstall that one, or run medmix in an environment of its own"
            )
