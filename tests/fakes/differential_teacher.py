"""A teacher that tells differentials, as a function from requests to answers: faithful by default, faulty by seed.

It reads the facts from the prompt as a model would, and tells them in marked sentences of its own. `rate` is the share
of requests that it answers with one of `KINDS` of faults; `planted` says which, by the key of the request. Nothing of
the checks is used here.
"""

import json
import random
import re
from typing import Any

from sources.teacher.request import Answer, Request

_FACTS = re.compile(r"facts\]\n(\{.*\})\n\[", re.DOTALL)
KINDS = {
    "lost": {"finding_lost"},
    "invented": {"finding_invented"},
    "flipped": {"negation_flipped", "finding_lost"},
    "older": {"age_changed"},
    "reordered": {"differential_reordered"},
    "added": {"disease_added"},
    "unlisted": {"disease_lost"},
    "reassuring": {"red_flag_missing"},
    "scanning": {"beyond_resources"},
    "naming": {"identifier"},
    "surer": {"number_invented"},
    "unmarked": {"marks_broken"},
    "broken": {"schema_invalid"},
    "itself": {"speaks_of_itself"},
    "turns": {"wrong_turns"},
}
"""How a fault shows, by any of these reasons."""
_WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "opens": ("{who} comes to be seen: {place}.", "{place}. Today: {who}.", "Seen at our {place}: {who}."),
        "says": ("The patient {one}.", "This patient {one}.", "It is found that the patient {one}."),
        "asks": ("What is your ranked differential diagnosis?", "Rank what you consider, please."),
        "greets": ("Good day. How old are you, and what is wrong?", "Please tell me who you are and what you feel."),
        "more": ("Please go on.", "I am listening.", "What else?"),
        "i": "I am {who}. I come to this place: {place}.",
        "walks": ("{name} has its place in the list.", "I weigh {name} by what was told.", "Then there is {name}."),
        "warns": ("Danger: {all}.", "Not to be missed: {all}.", "These are urgent: {all}."),
        "next": ("Next: {tests}.", "I would do this now: {tests}.", "The step to take here: {tests}."),
        "invent": "The patient has fang marks on the skin.",
        "deny": "no {one}",
        "name": "The patient is called Amina Yusuf.",
        "added": "Kawasaki disease has its place too.",
        "scan": "Get a CT scan of the head here today.",
        "itself": "As an AI language model, I cannot examine anybody.",
        "refer": "Refer the patient.",
    },
    "fr": {
        "opens": ("{who}, lieu : {place}.", "{place}. Vu ce jour : {who}.", "Consultation ({place}) : {who}."),
        "says": ("On note ceci : la personne {one}.", "La personne {one}.", "Il apparaît que la personne {one}."),
        "asks": ("Quel est votre diagnostic différentiel ?", "Classez vos hypothèses."),
        "greets": ("Bonjour, quel âge avez-vous et que ressentez-vous ?", "Bonjour. Dites-moi ce qui ne va pas."),
        "more": ("Continuez.", "Je vous écoute.", "Quoi d'autre ?"),
        "i": "Je suis {who}. Je viens ici : {place}.",
        "walks": ("{name} a sa place dans la liste.", "Je pèse {name} d'après ce qui est dit.", "Vient {name}."),
        "warns": ("Danger : {all}.", "À ne pas manquer : {all}.", "Urgences : {all}."),
        "next": ("Ensuite : {tests}.", "Je ferais ceci : {tests}.", "À faire ici : {tests}."),
        "invent": "La personne a des traces de crochets sur la peau.",
        "deny": "pas de {one}",
        "name": "La personne est nommée Amina Yusuf.",
        "added": "La maladie de Kawasaki a sa place aussi.",
        "scan": "Faire un scanner ici même.",
        "itself": "En tant qu'IA, je ne peux examiner personne.",
        "refer": "Référer le patient.",
    },
}


class DifferentialTeacher:
    """Answers requests for differentials; `rate` of them with a fault."""

    def __init__(self, rate: float = 0.0, seed: int = 0) -> None:
        self._rate, self._seed = rate, seed
        self.planted: dict[str, str] = {}
        self.asked: list[Request] = []

    def __call__(self, requests: list[Request]) -> list[Answer]:
        """Answer in order."""
        self.asked += requests
        return [Answer(key=one.key, outcome="ok", text=self._answer(one), completion_tokens=9) for one in requests]

    def _answer(self, request: Request) -> str:
        drawn = random.Random(f"{self._seed} {request.key}")
        fault = drawn.choice(sorted(KINDS)) if drawn.random() < self._rate else ""
        text, fault = told(request.messages[0][1], request.messages[1][1], drawn, fault)
        if fault:
            self.planted[request.key] = fault
        return text


def told(system: str, user: str, drawn: random.Random, fault: str) -> tuple[str, str]:
    """Return an answer, and the fault that it has: none where the case leaves no room for the one that was asked."""
    facts = json.loads(_FACTS.findall(user)[0])
    words = _WORDS["fr" if "in French" in system else "en"]
    if fault == "flipped" and all("or" not in one for one in facts["present"]):
        fault = "lost"
    if fault == "reassuring" and not facts["dangers"]:
        fault = "invented"
    if fault in ("reordered", "unlisted") and len(facts["ranked"]) < 2:
        fault = "added"
    who = facts["patient"]["say"]
    if fault == "older":
        who = re.sub(r"\d+", lambda number: str(int(number[0]) + 3), who) if re.search(r"\d", who) else "99"
    findings = [_marked(one, one["say"]) for one in _spoilt(facts, words, fault)]
    drawn.shuffle(findings)
    speaks = "a conversation in which" in system
    sentences = [f"{one}." if speaks else drawn.choice(words["says"]).format(one=one) for one in findings]
    added = {"invented": "invent", "naming": "name"}.get(fault)
    sentences += [words[added]] if added else []
    turns = _conversation if speaks else _one_turn
    said = turns(f"[0: {who}]", facts["place"], sentences, words, drawn)
    if fault == "unmarked":
        said[-1]["content"] = said[-1]["content"].replace("]", "", 1)
    whole = {"turns": said if fault != "turns" else [*said, said[-1]], **_answer(facts, words, drawn, fault)}
    written = json.dumps(whole, ensure_ascii=False)
    return (written[:-20] if fault == "broken" else written), fault


def _marked(fact: Any, words: str) -> str:
    return f"[{fact['fact']}: {words}]"


def _spoilt(facts: Any, words: Any, fault: str) -> list[Any]:
    """Return the facts as they are told: one less, or one denied, where that is the fault."""
    every = [*facts["present"], *facts["absent"]]
    if fault == "lost":
        return every[1:]
    if fault == "flipped":
        flipped = next(one for one in facts["present"] if "or" in one)
        return [one if one is not flipped else {**one, "say": words["deny"].format(one=one["or"][0])} for one in every]
    return every


def _one_turn(who: str, place: str, sentences: list[str], words: Any, drawn: random.Random) -> list[dict[str, str]]:
    opening = drawn.choice(words["opens"]).format(who=who, place=place)
    return [{"role": "user", "content": " ".join([opening, *sentences]) + "\n\n" + drawn.choice(words["asks"])}]


def _conversation(who: str, place: str, sentences: list[str], words: Any, drawn: random.Random) -> list[dict[str, str]]:
    half = len(sentences) // 2
    parts = [" ".join([words["i"].format(who=who, place=place), *sentences[:half]]), " ".join(sentences[half:])]
    asked = [drawn.choice(words["greets"]), drawn.choice(words["more"])]
    pairs = zip(asked, parts, strict=True)
    return [{"role": r, "content": c} for pair in pairs for r, c in zip(("assistant", "user"), pair, strict=True)]


def _answer(facts: Any, words: Any, drawn: random.Random, fault: str) -> dict[str, Any]:
    names = [re.sub(r"^\d+\. | \([^()]*\)$", "", line) for line in facts["ranked"]]
    walk = [{"disease": at, "text": drawn.choice(words["walks"]).format(name=name)} for at, name in enumerate(names, 1)]
    signs = [_marked(one, one["say"]) for one in facts["present"] if one["fact"] in facts["warning_signs"]]
    dangers = [*facts["dangers"], *signs]
    danger = drawn.choice(words["warns"]).format(all="; ".join(dangers)) if dangers and fault != "reassuring" else ""
    tests = drawn.sample(facts["next_steps"], min(3, len(facts["next_steps"])))
    following = drawn.choice(words["next"]).format(tests="; ".join(tests)) if tests else words["refer"]
    following += {"scanning": f" {words['scan']}", "itself": f" {words['itself']}"}.get(fault, "")
    if fault == "reordered":
        walk[:2] = walk[1::-1]
    if fault == "surer":
        walk[0]["text"] += " (99%)"
    if fault == "added":
        walk[-1]["text"] += f" {words['added']}"
    if fault == "unlisted":
        walk.pop()
    return {"walk": walk, "danger": danger, "next": following}
