"""Check that a marked telling of a case says what the case holds, no more and no less.

Not here: how marks are read (`marks`), what is checked of turns and answer (`marked_case`, `marked_answer`), and texts
without marks, such as the grammar's (`differential_checks`).
"""

from collections.abc import Sequence

from sources.teacher.case import Case
from sources.teacher.case_words import CaseWords
from sources.teacher.differential_checks import Fault, length_faults
from sources.teacher.fact_words import Fact
from sources.teacher.identifiers import identifier_faults
from sources.teacher.knowledge import Knowledge
from sources.teacher.marked_answer import Parts, answer_part_faults
from sources.teacher.marked_case import case_faults
from sources.teacher.marks import Marked
from sources.teacher.named import named_faults
from sources.teacher.verbalise import Rendering


def check_marked(
    case: Case, knowledge: Knowledge, rendering: Rendering, facts: Sequence[Fact], told: tuple[Sequence[Marked], Parts]
) -> list[Fault]:
    """Return what is wrong with a telling, the case before the answer; `rendering` is the same without marks."""
    turns, parts = told
    words = CaseWords(case, knowledge, rendering.language)
    found = [
        *named_faults(words, [(role, turn.outside) for (role, _), turn in zip(rendering.turns, turns, strict=True)]),
        *identifier_faults([*rendering.turns, ("assistant", rendering.answer)], words.answer),
        *case_faults(words, facts, [role for role, _ in rendering.turns], turns),
        *length_faults(case, rendering),
        *answer_part_faults(words, facts, parts),
    ]
    return list(dict.fromkeys(Fault(*one) for one in found))
