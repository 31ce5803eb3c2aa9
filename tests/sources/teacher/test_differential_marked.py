"""What a teacher tells with marks is judged rightly: replies written in a teacher's place, and edits of them.

Twenty sets of 20 replies to our prompts were written without sight of the checks, each with five good edits and five
that make one fault, ten kinds over a set; `differential_marked.json` holds nine of them. At first sight, the checks
mended by the sets before: r and s, 5 of 40 replies (33 of 240 good texts) refused and 195 of 200 faults caught; t and
u, 5 (33) and 193; v and w, 12 (73) and 194; x, y and z, 14 of 60 (83 of 360) and 293 of 300; then, with dictionary
forms, topics beside marks and far longer lists of words, aa, ab and ac, 7 of 60 (49 of 360) and 285 of 300; with
sayings, of which eight are shown for a fact, ad, ae and af, 12 of 60 (69 of 360) and 287 of 300. All of these were
written under prompt 2, which let an answer speak of findings beside marks and in images. Prompt 3 asks for plain words,
and answers are held to them since: so these sets miss fewer faults, and are refused far more often than what prompt 3
is answered with. What stands here must not get worse.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.stage import Rejected
from sources.teacher.case import Case
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.patients import Observation, Patient
from sources.teacher.plain_words import ANSWER, CASE, is_plain, plain_words
from sources.teacher.settings import TeacherSettings
from sources.teacher.tell_differential import TellDifferential, ToldCase

BASE = load_knowledge(FOLDER / "limited-resource")
MAKER = TellDifferential(TeacherSettings(model="fake", revision="1"), 1, BASE)
SETS: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "differential_marked.json").read_text(encoding="utf-8")
)
MOST = {
    **{"t": (0, 75), "u": (1, 13), "v": (0, 69), "w": (0, 77), "ab": (0, 33), "ac": (5, 48)},
    **{"ad": (0, 27), "ae": (1, 74), "af": (0, 36)},
}
"""Faults missed of 100 and good texts refused of 120, as they are now: they may only fall."""
assert MOST.keys() == SETS.keys()


def item_of(base: dict[str, Any]) -> ToldCase:
    patient = Patient(id="one", age_years=base["age_years"], sex=base["sex"], observed=(), condition=base["gold"][0][0])
    case = Case(
        patient=patient,
        told=tuple(Observation(code, present, tuple(values)) for code, present, values in base["told"]),
        gold=tuple((code, probability) for code, probability in base["gold"]),
        assumed={},
        setting=BASE.settings[base["setting"]],
        basis="posterior",
    )
    return ToldCase("one", case, base["form"], base["language"], "")


def edited(reply: dict[str, Any], edits: list[list[str]]) -> str:
    """Return a reply with its edits, all of them found in the reply as it was."""
    told = json.loads(json.dumps(reply))
    places = [(one, "content") for one in told["turns"]] + [(one, "text") for one in told["walk"]]
    places += [(told, "danger"), (told, "next")]
    found = []
    for old, new in edits:
        (place,) = [(one, key) for one, key in places if old in one[key]]
        found.append((*place, old, new))
    for at, (one, key, old, _) in enumerate(found):
        assert one[key].count(old) == 1
        one[key] = one[key].replace(old, f"\0{at}\0")
    for at, (one, key, _, new) in enumerate(found):
        one[key] = one[key].replace(f"\0{at}\0", new)
    return json.dumps(told, ensure_ascii=False)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name == "t" else pytest.mark.nightly) for name in MOST]
)
def test_a_marked_telling_is_judged_no_worse_than_it_was(name: str) -> None:
    bases, most = SETS[name]["bases"], MOST[name]
    verdicts: dict[str, list[bool]] = {}
    for kind in ("good", "bad"):
        texts = [
            (item_of(bases[row["base"]]), edited(bases[row["base"]]["reply"], row["edits"])) for row in SETS[name][kind]
        ]
        verdicts[kind] = [isinstance(MAKER.read(item, text), Rejected) for item, text in texts]
    missed, refused = verdicts["bad"].count(False), verdicts["good"].count(True)
    print(f"\nset {name}: {len(verdicts['bad']) - missed} of {len(verdicts['bad'])} faults caught, ", end="")
    print(f"{refused} of {len(verdicts['good'])} good texts refused")
    assert (len(verdicts["bad"]), len(verdicts["good"])) == (100, 120)
    assert missed <= most[0]
    assert refused <= most[1]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_prompt_shows_every_plain_word_and_the_checks_know_it(language: str) -> None:
    row = next(base for base in SETS["t"]["bases"].values() if base["language"] == language)
    system = MAKER.first(item_of(row), 0).messages[0][1]
    for part in (CASE, ANSWER):
        assert ", ".join(plain_words(part, language)) in system
        assert all(is_plain(word, part, language) for word in plain_words(part, language) if "-" not in word)


@pytest.mark.parametrize(("name", "base"), [("af", "09")])
def test_half_a_name_is_no_danger_named(name: str, base: str) -> None:
    found = [row for row in SETS[name]["bad"] if row["base"] == base and row["kind"] == "danger"]
    row = SETS[name]["bases"][base]
    (read,) = [MAKER.read(item_of(row), edited(row["reply"], one["edits"])) for one in found]
    assert isinstance(read, Rejected)
    assert read.reason == "red_flag_missing"
