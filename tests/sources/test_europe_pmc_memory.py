"""A file of many articles is read in the memory of one: peak of a process of its own. Tier: push, 500 MB nightly."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

MOST_GROWTH_BYTES = 48 << 20
"""What reading may add to the process: buffers, one article as bytes, tree and text; the whole file would not fit."""
READER = """
import json, resource, sys
from pathlib import Path
from sources.archive import Item, Limits, open_items
from sources.parse.jats import parse

def peak_bytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

path, articles, words, first = Path(sys.argv[1]), 0, 0, 0
for item in open_items(path, path.name, "auto", Limits()):
    assert isinstance(item, Item), item
    for part in parse(item.body, item.key, {}):
        articles, words = articles + 1, words + len(part.text.split())
    first = first or peak_bytes()
print(json.dumps({"articles": articles, "words": words, "first": first, "peak": peak_bytes()}))
"""


def write_articles(path: Path, size_bytes: int) -> int:
    """Write articles of about 50 kB under one root until they have `size_bytes`; return how many."""
    paragraphs = "".join(f"<sec><title>Part {n}</title><p>{'Give 5 mg of oxygen. ' * 60}</p></sec>" for n in range(35))
    rows = "".join(f"<tr><td>{n} kg</td><td>{n}.5 mg</td></tr>" for n in range(100))
    body = f"<body>{paragraphs}<table-wrap><table>{rows}</table></table-wrap></body>"
    count = written_bytes = 0
    with gzip.open(path, "wt", compresslevel=1, encoding="utf-8") as file:
        file.write("<articles>")
        while written_bytes < size_bytes:
            count += 1
            meta = f"<article-meta><article-id pub-id-type='pmcid'>{count}</article-id></article-meta>"
            written_bytes += file.write(f"<article><front>{meta}</front>{body}</article>\n")
        file.write("</articles>")
    return count


@pytest.mark.parametrize("megabytes", [20, pytest.param(500, marks=pytest.mark.nightly)])
def test_a_large_file_is_read_in_bounded_memory(tmp_path: Path, megabytes: int) -> None:
    path = tmp_path / "range.xml.gz"
    count = write_articles(path, megabytes * 1_000_000)
    done = subprocess.run([sys.executable, "-c", READER, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["articles"] == count
    assert report["words"] > count * 10_000
    assert report["peak"] - report["first"] < MOST_GROWTH_BYTES, report
