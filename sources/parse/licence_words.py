"""What the words around a licence's name change: who it covers, whether it holds, and terms in other languages.

A statement may name a licence and mean another thing: the data alone, a figure, a time to come, or the licence with a
restriction that its name does not have. `sentences_of_the_article` leaves out what is not about the article itself;
`is_doubtful` finds what a licence of a kind would not say of itself, and then there is no key. Terms in French,
Spanish, Portuguese and German are put into English before they are read. Doubt costs a licence, never opens a text.
"""

import re

_FOREIGN = tuple(
    (re.compile(pattern, re.IGNORECASE), english)
    for pattern, english in (
        (r"atribuci[oó]n|reconocimiento|atribui[cç][aã]o|paternit[eé]|namensnennung", "Attribution"),
        (r"pas\s+d.utilisations?\s+commerciales?|utilisation\s+non\s+commerciale", "NonCommercial"),
        (r"n[aã]o[\s-]?comercial|(?<!\w)no[\s-]?comercial|nicht[\s-]?kommerziell|non\s+commerciale", "NonCommercial"),
        (
            r"pas\s+de\s+modifications?|(?:sin|sem)[\s-]?(?:obras?[\s-]?)?deriva\w*|keine\s+bearbeitung\w*",
            "NoDerivatives",
        ),
        (r"partage\s+(?:[aà]\s+l.identique|dans\s+les\s+m[eê]mes\s+conditions)", "ShareAlike"),
        (r"compartir[\s-]?igual|compartilha\w*[\s-]?igual|weitergabe\s+unter\s+gleichen\s+bedingungen", "ShareAlike"),
        (r"internacional|internationale?", "International"),
        (r"\blicen[cç]ia\b|\blicen[cç]a\b|\blizenz\b", "License"),
    )
)
_LICENCE = r"(?:\bCC(?:0|\b)|creative\s*commons|public domain|licen[sc])"
_PART = re.compile(
    r"\b(?:(?:meta)?data(?:sets?)?|abstracts?|supplement\w*|figures?|tables?|photographs?|images?|code|software)\b",
    re.I,
)
_MINING = re.compile(r"(?:text\s+(?:and|or|&)\s+)?data[\s-]+mining", re.I)
_WHOLE = re.compile(
    r"\b(?:articles?|art[ií]culos?|artigos?|work|paper|manuscript|publication|chapter|journal|text)\b", re.I
)
_ONLY_PART = re.compile(rf"\bappl(?:y|ies)\s+(?:only\s+|solely\s+)?to\s+(?:the\s+)?(?:\w+\s+)?{_PART.pattern}", re.I)
_SENTENCE_END = re.compile(r"(?<=[.;])\s+(?=[A-ZÀ-Ý])|;\s*|\n+")
_NOT_SO = re.compile(
    rf"\b(?:not|never|nor)\s+(?:\w+\s+){{0,2}}?(?:licen[sc]ed|available|published|distributed|released)\b[^.;]{{0,40}}{_LICENCE}"
    rf"|\b(?:no longer|formerly|previously)\b[^.;]{{0,60}}{_LICENCE}|{_LICENCE}[^;]{{0,60}}\bno longer\b"
    r"|\bembargo\b|\bwill\s+(?:apply|become|be\s+(?:available|released|licen[sc]ed|published))\b"
    r"|\bexcept(?:ing)?\s+(?:for\s+)?(?:the\s+|all\s+|any\s+)?(?:figures?|images?|tables?|photographs?|text|sections?|appendi)",
    re.I,
)
_BOTH = re.compile(
    r"(?:non-?\s?)?commercial(?:ly)?(?:\s+\w+)?\s*(?:and|or|/|as well as)\s*(?:non-?\s?)?commercial(?:ly)?", re.I
)
_BEYOND = {
    "NC": re.compile(
        r"non-?\s?commercial|\b(?:not|no|never|cannot|prohibit\w*|forbid\w*)\b[^.;]{0,40}\bcommercial"
        r"|\bcommercial\b[^.;]{0,60}\b(?:requires?|needs?|not|prohibited|forbidden|contact|permissions?)\b"
        r"|(?:sans|sin|sem|without)\s+(?:fins?|fines|buts?|any)\s+(?:comercia\w+|commercia\w+|lucrati\w+|de\s+lucro)"
        r"|not[\s-]for[\s-]profit\s+(?:use|purposes?)",
        re.I,
    ),
    "ND": re.compile(
        r"no-?\s?derivatives?\b|\bno\s+(?:modifications?|adaptations?|changes?)\b"
        r"|\b(?:not|never|cannot)\s+(?:be\s+)?(?:\w+ly\s+)?(?:altered|adapted|modified|transformed|translated)"
        r"|\bderivative\s+works?\b[^.;]{0,30}\b(?:not|prohibited|forbidden)\b|\bwithout\s+(?:any\s+)?(?:modification|alteration)",
        re.I,
    ),
    "SA": re.compile(r"share-?\s?alike|\bunder\s+(?:the\s+same|an?\s+identical)\s+licen[sc]e\b", re.I),
}
PLACES = {
    "uk": "UK", "england": "UK", "scotland": "SCOTLAND", "germany": "DE", "deutschland": "DE", "de": "DE",
    "netherlands": "NL", "austria": "AT", "australia": "AU", "france": "FR", "japan": "JP", "us": "US", "usa": "US",
    "united": "UNITED", "igo": "IGO", "brazil": "BR", "brasil": "BR", "spain": "ES", "españa": "ES", "italy": "IT",
    "italia": "IT", "canada": "CA", "china": "CN", "mainland": "CN", "india": "IN", "south": "ZA", "new": "NZ",
    "poland": "PL", "portugal": "PT", "switzerland": "CH", "schweiz": "CH", "sweden": "SE", "norway": "NO",
    "denmark": "DK", "finland": "FI", "mexico": "MX", "méxico": "MX", "argentina": "AR", "chile": "CL",
    "colombia": "CO", "peru": "PE", "perú": "PE", "korea": "KR", "taiwan": "TW", "belgium": "BE", "greece": "GR",
    "hungary": "HU", "ireland": "IE", "israel": "IL", "malaysia": "MY", "singapore": "SG", "thailand": "TH",
    "philippines": "PH", "croatia": "HR", "serbia": "RS", "czech": "CZ", "romania": "RO", "ecuador": "EC",
}  # fmt: skip
"""The first word after a version that makes a licence one of a jurisdiction's, and the code of it in an address."""


def in_english(text: str) -> str:
    """Return a statement with the terms of licences put into English; all else stays."""
    for pattern, english in _FOREIGN:
        text = pattern.sub(english, text)
    return text


def sentences_of_the_article(text: str) -> str:
    """Return a statement without the sentences that name a licence for a part of the article alone."""
    kept = [sentence for sentence in _SENTENCE_END.split(text) if not _is_of_a_part(sentence)]
    return "\n".join(kept)


def _is_of_a_part(sentence: str) -> bool:
    plain = _MINING.sub("", sentence)
    if not re.search(_LICENCE, plain, re.I) or not _PART.search(plain):
        return False
    return bool(_ONLY_PART.search(plain)) or not _WHOLE.search(plain)


def is_doubtful(text: str, kind: str) -> bool:
    """Say whether a statement denies or defers its licence, or restricts use beyond one of this kind (BY, BY-NC)."""
    if _NOT_SO.search(text):
        return True
    plain = _BOTH.sub("", text)
    return any(pattern.search(plain) for term, pattern in _BEYOND.items() if term not in kind.split("-"))
