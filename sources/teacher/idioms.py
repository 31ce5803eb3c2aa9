"""Turns of phrase in which a part of the body, a time or a denial tells nothing of the patient: "at first sight".

A prompt asks for none, writers slip into them all the same, and word by word they would be taken for findings. Not
here: single words that may stand (`plain_words`, `vocabulary`).
"""

import re

_IDIOM = re.compile(
    r"\b(?:catch(?:es)? (?:the|your|my) eye|at first sight|look(?:ing|s) back|(?:that|this) is not all|not only"
    r"|isn['’]t it|at hand|on the other hand|in the face of|at (?:the )?heart|ce n['’]est pas tout|n['’]est-ce pas"
    r"|non seulement|saute(?:nt)? aux yeux|au premier coup d['’](?:œ|oe)il|à première vue|sous (?:les|mes|nos) yeux"
    r"|coup de main|par contre|on the one hand|at the (?:head|foot|back) of the (?:list|mind)|in (?:the )?first place"
    r"|d['’]un (?:autre )?côté|de l['’]autre côté|de (?:ce|son) côté|à côté d(?:e|u|es)"
    r"|(?:laisser?|mettre|mise?|laissée?) de côté|(?:en|à la) tête de(?: la)? liste|en tête"
    r"|(?:would|could|does not|may|might|can|also|not|hardly|to|both|all) fit"
    r"|weak(?:er|est)? (?:argument|support|case|evidence|reason|candidate|hypothesis|point|link)s?"
    r"|weight (?:goes|lies|rests)|(?:more|less|little|much|most|some) weight(?! (?:loss|gain))"
    r"|(?:carr(?:y|ies)|lends?|gives?|adds?) (?:\w+ )?weight"
    r"|(?:donnent?|ajoutent?) (?:du |plus de |peu de )?poids"
    r"|fits? (?:the|this|it|with|well|better|best|less|poorly|badly|neither))\b",
    re.IGNORECASE,
)


def without_idioms(text: str) -> str:
    """Return a text with blanks for its idioms, all else in its place."""
    return _IDIOM.sub(lambda idiom: " " * len(idiom[0]), text)
