"""What a teacher tells with marks is judged rightly: replies written in a teacher's place, and edits of them.

Sets of 20 replies to our prompts were written without sight of the checks, each with five good edits and five that
make one fault, ten kinds over a set. Under prompts 1 and 2, which let a teacher write freely around its marks, single
sets of the last 240 replies had 2 to 6 of 20 refused at first sight, and 93 to 98 of 100 faults caught. Prompt 3 shows
the words that may stand outside marks and has facts copied: `differential_marked.json` holds the eight sets that were
written for it. At first sight, the checks mended by the sets before: ai and ah, 4 of 40 replies (23 of 240 good texts)
refused and 193 of 200 faults caught; ak, aj, am, ag, an and al, in this order, 4 of 120 (30 of 720, 4.2 %) and 587 of
600 (97.8 %). That is what others may expect. Mended by all of them since, what stands here must not get worse.
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
    **{"ag": (1, 0), "ah": (0, 0), "ai": (0, 0), "aj": (0, 0)},
    **{"ak": (1, 0), "al": (2, 0), "am": (0, 0), "an": (0, 1)},
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
    "name", [pytest.param(name, marks=() if name == "aj" else pytest.mark.nightly) for name in MOST]
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
    row = next(base for base in SETS["aj"]["bases"].values() if base["language"] == language)
    system = MAKER.first(item_of(row), 0).messages[0][1]
    for part in (CASE, ANSWER):
        assert ", ".join(plain_words(part, language)) in system
        assert all(is_plain(word, part, language) for word in plain_words(part, language) if "-" not in word)


@pytest.mark.parametrize(("name", "base"), [("ah", "05"), ("am", "03"), ("ak", "07")])
def test_half_a_name_is_no_danger_named(name: str, base: str) -> None:
    found = [row for row in SETS[name]["bad"] if row["base"] == base and row["kind"] == "danger"]
    row = SETS[name]["bases"][base]
    (read,) = [MAKER.read(item_of(row), edited(row["reply"], one["edits"])) for one in found]
    assert isinstance(read, Rejected)
    assert read.reason == "red_flag_missing"
