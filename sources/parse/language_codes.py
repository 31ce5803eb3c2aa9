"""Language codes of three letters, as libraries write them, to the tags of the web: `fre` is `fr`.

ISO 639-2 has two codes for some languages; the bibliographic one (`ger`) is that of MEDLINE (its list of languages,
nlm.nih.gov/bsd/language_table.html), and both are read. Languages without a code of two letters keep the three
(RFC 5646, 2.2.1). Not here: names of languages.
"""

_TWO_LETTERS = """
afr:af alb:sq sqi:sq amh:am ara:ar arm:hy hye:hy aze:az baq:eu eus:eu bel:be ben:bn bos:bs bul:bg bur:my mya:my cat:ca
chi:zh zho:zh cze:cs ces:cs dan:da dut:nl nld:nl eng:en epo:eo est:et fin:fi fre:fr fra:fr geo:ka kat:ka ger:de deu:de
gle:ga glg:gl gre:el ell:el heb:he hin:hi hrv:hr scr:hr hun:hu ice:is isl:is ind:id ita:it jpn:ja kaz:kk khm:km kin:rw
kir:ky kor:ko lao:lo lat:la lav:lv lit:lt mac:mk mkd:mk mal:ml mao:mi mri:mi mar:mr may:ms msa:ms mlt:mt mon:mn nep:ne
nob:nb nno:nn nor:no per:fa fas:fa pol:pl por:pt pus:ps rum:ro ron:ro rus:ru san:sa slo:sk slk:sk slv:sl som:so spa:es
srp:sr scc:sr swa:sw swe:sv tam:ta tel:te tha:th tib:bo bod:bo tuk:tk tur:tr ukr:uk urd:ur uzb:uz vie:vi wel:cy cym:cy
"""
_TAGS = dict(pair.split(":") for pair in _TWO_LETTERS.split())
_NO_LANGUAGE = frozenset({"", "und", "mul", "zxx", "mis"})


def tag_of(code: str) -> str | None:
    """Return the BCP 47 tag of an ISO 639-2 code, None for codes that name no language and for what is no code."""
    code = code.strip().lower()
    if code in _NO_LANGUAGE or not (code.isascii() and code.isalpha() and 2 <= len(code) <= 3):
        return None
    return _TAGS.get(code, code)
