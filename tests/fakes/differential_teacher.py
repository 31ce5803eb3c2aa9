"""A teacher that tells differentials, as a function from requests to answers: faithful by default, faulty by seed.

It reads the facts from the prompt as a model would, and tells them in sentences of its own. `rate` is the share of
requests that it answers with one of `KINDS` of faults; `planted` says which, by the key of the request. Nothing of the
checks is used here.
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
    "older": {"age_changed", "number_invented"},
    "reordered": {"differential_reordered"},
    "added": {"disease_added"},
    "unlisted": {"disease_lost"},
    "reassuring": {"red_flag_missing"},
    "scanning": {"beyond_resources"},
    "naming": {"identifier"},
    "surer": {"probability_changed"},
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
        "ends": ("In order:", "My list:", "Ranked:"),
        "sign": "the patient {one}",
        "invent": "The patient has fang marks on the skin.",
        "deny": "There is no {one}.",
        "name": "The patient is called Amina Yusuf.",
        "added": "Kawasaki disease (1%)",
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
        "ends": ("Par ordre :", "Ma liste :", "Classement :"),
        "sign": "la personne {one}",
        "invent": "La personne a des traces de crochets sur la peau.",
        "deny": "Il n'y a pas de {one}.",
        "name": "La personne est nommée Amina Yusuf.",
        "added": "Maladie de Kawasaki (1 %)",
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
    if fault == "flipped" and not any("or" in one for one in facts["present"]):
        fault = "lost"
    if fault == "reassuring" and not facts["dangers"]:
        fault = "invented"
    if fault in ("reordered", "unlisted") and len(facts["ranked"]) < 2:
        fault = "added"
    who = facts["patient"]
    if fault == "older":
        who = re.sub(r"\d+", lambda number: str(int(number[0]) + 3), who) if re.search(r"\d", who) else "99"
    findings = [one["say"] for one in facts["present"] + facts["absent"]]
    drawn.shuffle(findings)
    speaks = "a conversation in which" in system
    sentences = [f"{one}." if speaks else drawn.choice(words["says"]).format(one=one) for one in findings]
    sentences = _spoilt(sentences, facts, words, fault)
    turns = _conversation if speaks else _one_turn
    said = turns(who, facts["place"], sentences, words, drawn)
    answer = _answer(facts, words, drawn, fault)
    whole = {"turns": said if fault != "turns" else [*said, said[-1]], "answer": answer}
    written = json.dumps(whole, ensure_ascii=False)
    return (written[:-20] if fault == "broken" else written), fault


def _spoilt(sentences: list[str], facts: Any, words: Any, fault: str) -> list[str]:
    if fault == "lost":
        return [one for one in sentences if facts["present"][0]["say"] not in one]
    if fault == "flipped":
        flipped = next(one for one in facts["present"] if "or" in one)
        kept = [one for one in sentences if flipped["say"] not in one]
        return [*kept, words["deny"].format(one=flipped["or"][0])]
    added = {"invented": "invent", "naming": "name"}.get(fault)
    return [*sentences, words[added]] if added else sentences


def _one_turn(who: str, place: str, sentences: list[str], words: Any, drawn: random.Random) -> list[dict[str, str]]:
    opening = drawn.choice(words["opens"]).format(who=who, place=place)
    return [{"role": "user", "content": " ".join([opening, *sentences]) + "\n\n" + drawn.choice(words["asks"])}]


def _conversation(who: str, place: str, sentences: list[str], words: Any, drawn: random.Random) -> list[dict[str, str]]:
    half = len(sentences) // 2
    parts = [" ".join([words["i"].format(who=who, place=place), *sentences[:half]]), " ".join(sentences[half:])]
    asked = [drawn.choice(words["greets"]), drawn.choice(words["more"])]
    pairs = zip(asked, parts, strict=True)
    return [{"role": r, "content": c} for pair in pairs for r, c in zip(("assistant", "user"), pair, strict=True)]


def _answer(facts: Any, words: Any, drawn: random.Random, fault: str) -> str:
    ranked = list(facts["ranked"])
    names = [re.sub(r"^\d+\. | \([^()]*\)$", "", line) for line in ranked]
    paragraphs = [" ".join(drawn.choice(words["walks"]).format(name=name) for name in names)]
    dangers = [*facts["dangers"], *(words["sign"].format(one=one) for one in facts["warning_signs"])]
    if dangers and fault != "reassuring":
        paragraphs.append(drawn.choice(words["warns"]).format(all="; ".join(dangers)))
    tests = drawn.sample(facts["next_steps"], min(3, len(facts["next_steps"])))
    paragraphs.append(drawn.choice(words["next"]).format(tests="; ".join(tests)) if tests else words["refer"])
    if fault == "scanning":
        paragraphs.append(words["scan"])
    if fault == "itself":
        paragraphs.append(words["itself"])
    if fault == "reordered":
        ranked[:2] = [f"1. {ranked[1][3:]}", f"2. {ranked[0][3:]}"]
    if fault == "surer":
        ranked[0] = re.sub(r"\d+(?= ?%)", lambda percent: str((int(percent[0]) + 40) % 100), ranked[0])
    if fault == "added":
        ranked.append(f"{len(ranked) + 1}. {words['added']}")
    if fault == "unlisted":
        ranked.pop()
    return "\n\n".join([*paragraphs, "\n".join([drawn.choice(words["ends"]), *ranked])])
