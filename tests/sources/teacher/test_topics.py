"""What stands beside a mark may name its topic, and nothing else."""

from sources.teacher.fact_words import Fact, facts_of
from sources.teacher.knowledge_files import FOLDER, load_knowledge
from sources.teacher.lexicon import lexicon_of
from sources.teacher.marks import unmark
from sources.teacher.mentions import Reading
from sources.teacher.patients import Observation
from sources.teacher.topics import Topics
from sources.teacher.verbalise import said

BASE = load_knowledge(FOLDER / "limited-resource")


def read(text: str, *codes: tuple[str, bool]) -> tuple[Topics, Reading, dict[int, Fact]]:
    """Return the topics of a marked English text whose facts 1, 2, ... are `codes`."""
    marked = unmark(text)
    assert marked is not None
    told = [Observation(code, present, ()) for code, present in codes]
    shown = [(one, said(BASE.evidences[one.code], one, "en"), "") for one in told]
    facts = {fact.number: fact for fact in facts_of(BASE, "en", "a man", shown)}
    outside = Reading(lexicon_of(BASE, "en"), marked.outside)
    return Topics(outside, marked.marks, facts), outside, facts


def held(text: str, *codes: tuple[str, bool]) -> set[str]:
    topics, outside, _ = read(text, *codes)
    return {token.plain for token in outside.tokens if topics.holds(token) and token.plain != "the"}


def test_a_topic_is_a_word_of_the_fact_marked_in_its_sentence() -> None:
    codes = (("WATERING_EYES", True), ("FEVER", False))
    assert held("As for the eyes, [1: they are watering]; fever and eyes: [2: none of it].", *codes) == {
        "eyes",
        "fever",
    }
    assert "eyes" not in held("His eyes shine. [2: He has no fever].", *codes)
    assert "cough" not in held("As for the eyes and a cough, [1: they are watering].", *codes)


def test_a_mark_leans_on_the_topic_beside_it() -> None:
    topics, _, facts = read("The breathing is [1: fast for the age].", ("FAST_BREATHING", True))
    marked = unmark("The breathing is [1: fast for the age].")
    assert marked is not None
    (mark,), fact = marked.marks, facts[1]
    assert fact.fault(mark.words, whole=True) == "finding_lost"
    assert fact.fault(f"{topics.beside(mark, fact)} {mark.words}", whole=True) == ""


def test_a_mark_between_digits_has_a_sentence_too() -> None:
    topics, _, facts = read("On day 1[1: a]5 the eyes were seen.", ("WATERING_EYES", True))
    marked = unmark("On day 1[1: a]5 the eyes were seen.")
    assert marked is not None
    assert "eyes" in topics.beside(marked.marks[0], facts[1]).split()
