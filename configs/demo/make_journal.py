"""Make the demo's journal of `teacher/answers.json`, which was written for it: `python configs/demo/make_journal.py`.

The demo's generation file asks for what is due, and each request is answered by what was written for its question or
section and its attempt (`becomes` says what must come of it). Run `medmix run configs/demo.yaml` first; run this again
whenever a prompt, the retrieval or the demo's own text changes, as the requests do then. An item without words of its
own is an error, not a guess.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from pipelines.engine.storage import local_storage
from pipelines.generate import corpus_of
from pipelines.load import load_generation
from sources.document import estimate_tokens
from sources.teacher.forecast import gathered, kept_rows
from sources.teacher.generation import work_of
from sources.teacher.journal import Journal
from sources.teacher.request import Answer, Request
from sources.teacher.tasks import GenerationConfig

HERE = Path(__file__).parent
GENERATION = HERE.parent / "generate" / "demo.yaml"


class Author:
    """Answers requests as it was written, and keeps the answers in a journal."""

    def __init__(self, written: dict[str, list[dict[str, Any]]], journal: Journal) -> None:
        self._written, self._journal = written, journal
        self._chosen: dict[str, str] = {}

    def __call__(self, requests: list[Request]) -> list[Answer]:
        """Answer in order."""
        answers = [self._answer(request) for request in requests]
        for answer in answers:
            self._journal.write_answer(answer, "authored-sample")
        self._journal.sync()
        return answers

    def _answer(self, request: Request) -> Answer:
        name, user = request.prompt.partition("@")[0], request.messages[1][1]
        about, attempts = self._item(name, request.messages[0][1], user)
        if request.sample >= len(attempts):
            raise SystemExit(f"nothing was written for attempt {request.sample} at {about!r}")
        said = attempts[request.sample]
        text = self._text(name, about, said, user)
        outcome = "ok" if name in ("mcq-choose", "guideline-answerable") else said.get("outcome", "ok")
        return Answer(
            key=request.key,
            outcome=outcome,
            text=text,
            finish_reason="length" if outcome == "truncated" else "stop",
            served=request.model,
            prompt_tokens=sum(estimate_tokens(content) for _, content in request.messages),
            completion_tokens=estimate_tokens(text),
            tries=1,
        )

    def _item(self, name: str, system: str, user: str) -> tuple[str, list[dict[str, Any]]]:
        """Return what a prompt is about, and what was written for its attempts."""
        form = "vignette" if "one short vignette" in system else "question"
        for item in self._written["mcq" if name.startswith("mcq") else "guideline_qa"]:
            about = str(item.get("question") or item["section"])
            asked = [said["answer"].get("question", "") for said in item["attempts"] if "answer" in said]
            fits = any(f"]\n{one}\n" in user for one in asked) if name == "guideline-answerable" else True
            if f"]\n{about}" in user and fits and (name != "guideline-question" or item["form"] == form):
                return about, item["attempts"]
        raise SystemExit(f"nothing was written for {user[:120]!r}")

    def _text(self, name: str, about: str, said: dict[str, Any], user: str) -> str:
        options = {line[3:]: line[0] for line in user.splitlines() if line[1:3] == ". "}
        if name == "mcq-choose":
            return json.dumps({"answer": options[said.get("choose", self._chosen[about])]})
        if name == "guideline-answerable":
            return json.dumps(said["reader"], ensure_ascii=False)
        if "answer" not in said:
            return str(said.get("text", ""))
        if name == "mcq-enrich":
            self._chosen[about] = next(o for o, letter in options.items() if letter == said["answer"]["answer"])
        thought = f"<think>{said['thinks']}</think>\n" if "thinks" in said else ""
        return thought + json.dumps(said["answer"], ensure_ascii=False)


def write_journal(config: GenerationConfig, target: Path) -> None:
    """Write the answers to all that a generation asks into a new journal."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    journal = Journal(target)
    written = json.loads((HERE / "teacher" / "answers.json").read_text(encoding="utf-8"))
    corpus, storage, author = corpus_of(config), local_storage(Path(config.run).absolute()), Author(written, journal)
    evidence = gathered(config, corpus, storage)
    for task in config.tasks:
        work = work_of(config, task)
        rows = kept_rows(corpus, storage, set(task.sources))
        items = [one.item for row in rows for one in work.candidates(row, evidence) if one.rejected is None]
        work.settle(items, author)
    journal.close()
    sys.stdout.write(f"{target.resolve()}: {len(journal)} answers\n")


if __name__ == "__main__":
    demo = load_generation(GENERATION)
    write_journal(demo, Path(demo.journal))
