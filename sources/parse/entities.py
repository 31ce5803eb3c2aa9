"""The named characters of HTML, ISO 8879 and ISO 9573-13, as JATS and older NLM files use them.

Publishers write `&mgr;` or `&hellip;` and leave the definition to a DTD that a safe parser must not fetch. The
names are facts of those standards: HTML 5 covers most, `entities_iso.tsv` adds the Greek and bold Greek sets.
Not here: expansion (`sources.parse.xml_safe`), and any guess at a name that is in none of the sets.
"""

from functools import lru_cache
from html.entities import html5
from importlib.resources import files


@lru_cache(maxsize=1)
def named_characters() -> dict[str, str]:
    """Return the characters (1 or 2 code points) of every known entity name, without `&` and `;`."""
    table = {name[:-1]: characters for name, characters in html5.items() if name.endswith(";")}
    lines = files("sources.parse").joinpath("entities_iso.tsv").read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("#"):
            name, code_point = line.split("\t")
            table.setdefault(name, chr(int(code_point, 16)))
    return table
