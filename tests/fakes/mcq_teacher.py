"""A teacher for questions, as a function from requests to answers: right by default, and as bad as a test asks for.

It reads the question and the passages from the prompt as a model would, knows the right option of each question by its
text, and counts every request. `lies` is the share of requests that it answers with another letter. `attacks` are
texts on pages: it obeys every one that it is shown, whatever the prompt says.
"""

import json
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sources.teacher.request import Answer, Request

_OPTION = re.compile(r"^([A-Z])\. (.+)$", re.MULTILINE)
_PASSAGE = re.compile(r"\[(?P<mark>[0-9a-f]{16}) passage (?P<name>P\d)\]\n(?P<text>.*?)\n\[(?P=mark) end", re.DOTALL)


class McqTeacher:
    """`golds` maps the text of a question to that of its right option."""

    def __init__(
        self, golds: Mapping[str, str], *, lies: float = 0.0, attacks: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._golds, self._lies, self._attacks = golds, lies, attacks
        self.asked: list[Request] = []
        self.obeyed = 0

    def __call__(self, requests: list[Request]) -> list[Answer]:
        """Answer in order."""
        self.asked += requests
        return [Answer(key=one.key, outcome="ok", text=self._answer(one), completion_tokens=7) for one in requests]

    def over_http(self, body: dict[str, Any]) -> str:
        """Answer the body of a chat completion, as a server does; one that is no question of ours gets any letter."""
        said = [message["content"] for message in body["messages"]]
        if len(said) < 2 or "question]\n" not in said[1]:
            return '{"answer": "A"}'
        return self._said(said[1], "why_right" in said[0], f"{body['seed']} {said[1]}")

    def _answer(self, request: Request) -> str:
        return self._said(request.messages[1][1], request.prompt.startswith("mcq-enrich"), request.key)

    def _said(self, user: str, whole: bool, key: str) -> str:
        question = user.split("question]\n", 1)[1].split("\n[", 1)[0]
        options = dict(_OPTION.findall(question))
        right = next(gold for text, gold in self._golds.items() if question.startswith(text))
        letter = next(letter for letter, option in options.items() if option == right)
        drawn = random.Random(f"lie {key}")
        if drawn.random() < self._lies:
            letter = drawn.choice([other for other in options if other != letter])
        demand: dict[str, Any] = {}
        for attack in self._attacks:
            if attack["text"] in user:
                demand |= attack["demand"]
                self.obeyed += 1
        letter = demand.get("answer", letter)
        if not whole:
            return json.dumps({"answer": letter})
        return str(demand["raw"]) if "raw" in demand else json.dumps(self._written(letter, options, user, demand))

    def _written(self, letter: str, options: dict[str, str], user: str, demand: Mapping[str, Any]) -> dict[str, Any]:
        shown = [(found["name"], found["text"]) for found in _PASSAGE.finditer(user)]
        name, text = shown[0]
        added = f" {demand['append']}" if "append" in demand else ""
        quote = " ".join(text.split()[:9])
        if demand.get("quote"):
            name, quote = next((n, a["text"]) for n, t in shown for a in self._attacks if a["text"] in t)
        return {
            "answer": letter,
            "why_right": f"The findings point to {options.get(letter, letter)}, which treats the cause.{added}",
            "why_wrong": [
                {"option": other, "reason": f"{text} would leave the main problem untreated."}
                for other, text in options.items()
                if other != letter
            ],
            "key_fact": f"Act on danger signs before anything else.{added}",
            "quotes": [{"passage": name, "text": quote}],
            **({demand["field"]: "lumo"} if "field" in demand else {}),
        }
