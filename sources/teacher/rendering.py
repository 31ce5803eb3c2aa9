"""One case told in one form: the turns before the answer, and the answer, by the grammar."""

from collections.abc import Sequence

from sources.teacher.case import Case
from sources.teacher.conversation import conversation
from sources.teacher.knowledge import Knowledge
from sources.teacher.person import person_of
from sources.teacher.reasoning import answer
from sources.teacher.verbalise import FORMS, Rendering, Speaker, form_of, note, vignette


def render(case: Case, knowledge: Knowledge, language: str, seed: int, forms: Sequence[str] = FORMS) -> Rendering:
    """Return the rendering of a case in a language: the same for the same case, language and seed."""
    form = form_of(case, knowledge, forms, seed)
    speaker = Speaker(case, language, seed)
    person = person_of(case.patient.age_years, case.patient.sex, speaker.words, language)
    if form == "conversation":
        turns = conversation(case, knowledge, speaker, person)
        start = speaker.choose("thanks", speaker.words["talk"]["thanks"])
    else:
        told = (vignette if form == "vignette" else note)(case, knowledge, speaker, person)
        turns = [("user", f"{told}\n\n{speaker.say('ask')}")]
        start = ""
    return Rendering(
        form, language, tuple(turns), answer(case, knowledge, speaker, start), f"{form} {speaker.template}"
    )
