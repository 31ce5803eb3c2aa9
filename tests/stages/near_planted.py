"""Plants exact duplicates, near duplicates and clinical twins among synthetic clinical documents, by a seed.

Similarity is measured here by plain Python over `\\w+` words, not by the code under test. Near duplicates lose and gain
sentences, headers and footers, typing errors and plain words until they are as far from their original as drawn; twins
differ in one clinical fact, and half of them in sentences too.
"""

import random
import re
from dataclasses import dataclass, field


def listed(text: str) -> list[str]:
    return text.split()


NAMES = listed(
    """amoxicillin ceftriaxone ivermectin praziquantel metformin enalapril benznidazole tolvarid miltefosine albendazole
    doxycycline furosemide salbutamol fluconazole zidovudine nirsevim"""
)
ILLNESSES = listed("malaria schistosomiasis pneumonia cholera leprosy asthma scabies hypertension trachoma")
GROUPS = ["adults", "children", "infants", "pregnant women", "adolescents", "older people"]
PLACES = listed("lung kidney leg eye arm ear")
NOUNS = listed(
    """clinic village team worker record supply kit household river school market district register training visit
    report laboratory sample result nurse vehicle road budget season harvest well pump latrine soap net door window
    radio meeting committee leader teacher driver stock shelf bottle label form map survey interview question answer
    garden fence field bridge boat bicycle engine battery lamp roof wall floor kitchen stove fuel water food meal"""
)
VERBS = listed("counted visited repaired recorded opened checked carried moved planned cleaned painted shared stored")
PLACED = listed("near behind beside beyond towards")
ADJECTIVES = listed("small large old new broken clean empty full local remote busy quiet green dry wet cold long short")
SWAPS = [("use", "utilize"), ("patients", "people"), ("given", "administered"), ("receive", "get"), ("study", "review")]
TYPING = [("patients", "pateints"), ("treatment", "treatmnt"), ("receive", "recieve"), ("information", "informaton")]
TWINS = {
    "dose": (r"(\d+) mg", lambda m, d: f"{int(m[1]) * d.choice([2, 10])} mg"),
    "unit": (r"(\d+) mg", lambda m, d: f"{m[1]} {d.choice(['g', 'µg', 'mL', 'mg/kg'])}"),
    "threshold": (r"(<|>) ?(\d+)", lambda m, d: f"{m[1]}{int(m[2]) + d.choice([1, 5, 10])}"),
    "comparison": (r"(<|>)(\d+)", lambda m, d: f"{d.choice(['≤', '≥', '<' if m[1] == '>' else '>'])}{m[2]}"),
    "negation": (r"should be given", lambda m, d: "should not be given"),
    "age group": (r"in (adults|children|infants|adolescents)", lambda m, d: f"in {other(GROUPS, m[1], d)}"),
    "drug": (rf"\b({'|'.join(NAMES)})\b", lambda m, d: other(NAMES, m[1], d)),
    "frequency": (r"(once|twice) daily", lambda m, d: "twice daily" if m[1] == "once" else "once daily"),
    "side": (r"(left|right) ", lambda m, d: "right " if m[1] == "left" else "left "),
    "route": (r"(orally|nasally)", lambda m, d: "nasally" if m[1] == "orally" else "orally"),
}


@dataclass
class Planted:
    """Texts, and for each near duplicate, exact duplicate and twin the text that it was made from."""

    texts: list[str] = field(default_factory=list)
    exact: dict[int, int] = field(default_factory=dict)
    near: dict[int, int] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)
    similarity: dict[int, float] = field(default_factory=dict)


def other(among: list[str], than: str, dice: random.Random) -> str:
    return dice.choice([one for one in among if one != than])


def sentence(dice: random.Random) -> str:
    name, illness, group = dice.choice(NAMES), dice.choice(ILLNESSES), dice.choice(GROUPS)
    days, dose, limit = dice.randint(2, 28), dice.choice([5, 10, 15, 20, 40, 250, 500]), dice.randint(7, 200)
    noun = [dice.choice(NOUNS) for _ in range(4)]
    kind = [dice.choice(ADJECTIVES) for _ in range(3)]
    often, side, way = (
        dice.choice(["once", "twice"]),
        dice.choice(["left", "right"]),
        dice.choice(["orally", "nasally"]),
    )
    sign, place, done, by = dice.choice("<>"), dice.choice(PLACES), dice.choice(VERBS), dice.choice(PLACED)
    return dice.choice(
        [
            f"For {illness} in {group}, {name} {dose} mg should be given {often} daily for {days} days",
            f"If the {noun[0]} value is {sign}{limit}, patients receive {name} {way}",
            f"The {side} {place} was examined after treatment of {illness} in {days} patients",
            f"The {kind[0]} {noun[0]} {done} {by} the {kind[1]} {noun[1]} of the {noun[2]}",
            f"A {kind[0]} {noun[0]} and a {noun[1]} were {done} by the {kind[1]} {noun[2]} in this study",
            f"More information about the {kind[0]} {noun[0]} is given in the {kind[1]} {noun[1]} that they use there",
        ]
    )


def remark(dice: random.Random) -> str:
    """Return a sentence of another make: what somebody adds is not a sentence of the original with other values."""
    noun, kind = [dice.choice(NOUNS) for _ in range(5)], [dice.choice(ADJECTIVES) for _ in range(3)]
    return dice.choice(
        [
            f"Readers will want to see how every {kind[0]} {noun[0]} led somebody to some {kind[1]} {noun[1]}",
            f"Over {dice.randint(2, 90)} years our {noun[0]} grew into one {kind[0]} {noun[1]}, thanks to a {noun[2]}",
            f"Nobody knew why {noun[0]}, {noun[1]} and {noun[2]} had to wait until winter for another {noun[4]}",
        ]
    )


def words_of(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + 5]) for at in range(max(1, len(words) - 4))}


def similar(one: str, another: str) -> float:
    first, second = words_of(one), words_of(another)
    return len(first & second) / len(first | second)


def joined(sentences: list[str], width: int = 4) -> str:
    lines = [". ".join(sentences[at : at + width]) + "." for at in range(0, len(sentences), width)]
    return "\n\n".join(lines)


def footer(dice: random.Random) -> str:
    when = f"{dice.randint(1, 28)} {dice.choice(['May', 'June', 'October'])} {dice.randint(2001, 2025)}"
    year, page = dice.randint(1999, 2025), dice.randint(1, 90)
    return dice.choice(
        [
            f"Accessed {when}.",
            f"Last updated: {when}",
            f"Downloaded from www.example.org/{dice.random()} on {when}",
            f"© {year} Ministry of Health. All rights reserved.",
            f"Page {page} of 90",
        ]
    )


def near(sentences: list[str], dice: random.Random) -> tuple[str, float]:
    """Return a near duplicate and its similarity, drawn between 0.7 and 0.95."""
    original, goal = joined(sentences), dice.uniform(0.7, 0.95)
    while True:
        left = list(sentences)
        ending = footer(dice) if dice.random() < 0.6 else ""
        while True:
            step = dice.random()
            at = dice.randrange(len(left))
            if step < 0.6:
                del left[at]
            elif step < 0.75:
                left.insert(at, remark(dice))
            else:
                old, new = dice.choice(SWAPS + TYPING)
                left[at] = re.sub(rf"\b{old}\b", new, left[at], count=1)
            text = joined(left, dice.choice([2, 4, 6])) + (f"\n\n{ending}" if ending else "")
            found = similar(original, text)
            if found <= goal:
                break
        if found >= 0.7:
            return text, found


def twin(sentences: list[str], kind: str, dice: random.Random) -> str | None:
    """Return a clinical twin: one fact differs, and for half of them sentences are missing; None if none fits."""
    pattern, change = TWINS[kind]
    fits = [at for at, one in enumerate(sentences) if re.search(pattern, one)]
    if not fits:
        return None
    at = dice.choice(fits)
    changed = list(sentences)
    changed[at] = re.sub(pattern, lambda match: change(match, dice), changed[at], count=1)
    if changed[at] == sentences[at]:
        return None
    if dice.random() < 0.5:
        changed = [one for place, one in enumerate(changed) if place == at or dice.random() > 0.08]
    return joined(changed)


def planted(seed: int, documents: int = 2000) -> Planted:
    """Return a twin: one fact differs, and for half of them sentences are missing; None if nothing fits."""
    dice, found = random.Random(seed), Planted()
    while len(found.texts) < documents:
        sentences = [sentence(dice) for _ in range(dice.randint(24, 60))]
        original = len(found.texts)
        found.texts.append(joined(sentences))
        for _ in range(dice.choice([0, 1, 1, 2])):
            text, value = near(sentences, dice)
            found.near[len(found.texts)] = original
            found.similarity[len(found.texts)] = value
            found.texts.append(text)
        if dice.random() < 0.6 and (text_or_none := twin(sentences, dice.choice(sorted(TWINS)), dice)):
            found.twins[len(found.texts)] = original
            found.texts.append(text_or_none)
        if dice.random() < 0.3:
            found.exact[len(found.texts)] = original
            found.texts.append(joined(sentences).replace("\n\n", "\n").replace(" the ", "  the "))
    return found
