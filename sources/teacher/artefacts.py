"""Find what a chat model leaves around its answer, part it from the answer, and say when there is no answer at all.

Reasoning comes in gpt-oss channels (whole, or with the marks lost: `analysis...assistantfinal...`), think tags, and
MedGemma's unused tokens; each may lack its beginning or its end. What was cut before the final part began holds no
answer, whatever the reasoning says. Tokens of a chat template, an assistant that speaks of itself, courtesy before the
answer and an ending in the middle of a sentence are told by name. Not here: records and letters (`answers`).
"""

import re
from typing import NamedTuple


class Parted(NamedTuple):
    """An answer without its reasoning. `marks` names what was found; `is_whole` is false when no answer was begun."""

    final: str
    reasoning: str
    marks: tuple[str, ...]
    is_whole: bool


_CHANNEL = re.compile(
    r"(?:<\|start\|>)?(?:assistant)?(?:\s*to=[\w.]+)?\s*<\|channel\|>\s*(\w+)[^<]*?(?:<\|constrain\|>[^<]*)?<\|message\|>"
    r"(.*?)(?=<\|end\|>|<\|return\|>|<\|call\|>|<\|start\|>|<\|channel\|>|\Z)",
    re.DOTALL,
)
_LOST_MARKS = re.compile(r"\Aanalysis(.*?)(?:assistant(?:commentary.*?assistant)?final(.*))?\Z", re.DOTALL)
_TAGS = (
    (
        "think_tags",
        re.compile(r"<(think|thinking|reasoning)>", re.I),
        re.compile(r"</(think|thinking|reasoning)>", re.I),
    ),
    ("think_tags", re.compile(r"\[THINK\]"), re.compile(r"\[/THINK\]")),
    ("unused_tokens", re.compile(r"<unused94>(?:thought\n)?"), re.compile(r"<unused95>")),
)
_TEMPLATE = re.compile(
    r"<\|[\w ]{1,40}\|>|<unused\d+>|</?s>|<(?:bos|eos|pad|unk)>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>"
    r"|<｜[^｜]{1,40}｜>"
    r"|</?(?:think|thinking|reasoning)>|\[/?THINK\]"
)
_ITSELF = re.compile(
    r"\bas an? (?:AI|artificial intelligence|(?:large )?language model|virtual assistant|chatbot|LLM)\b"
    r"|\bI(?:'m| am) (?:just |only )?an? (?:AI|language model|virtual assistant|chatbot|LLM)\b"
    r"|\b(?:my|the) (?:training data|knowledge cut-?off)\b"
    r"|\ben tant qu(?:'|e )(?:une )?(?:IA|intelligence artificielle|modèle de langage)\b"
    r"|\bcomo (?:una? )?(?:IA|modelo de lenguaje)\b",
    re.IGNORECASE,
)
_REFUSES = re.compile(
    r"\A\W*(?:I(?:'m| am) (?:sorry|unable|not able)"
    r"|I (?:can(?:not|'t|’t)|won't) (?:help|assist|provide|give|answer|comply|do)"
    r"|Sorry,? (?:but )?I|Je (?:suis désolé|ne peux pas))",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"\A\W*(?:sure|certainly|of course|absolutely|great question|here(?:'s| is| are)|bien sûr|voici)\b"
    r"[^\n]{0,120}?[:!.]\s*\n+",
    re.IGNORECASE,
)
_OFFERS = re.compile(
    r"\n\W*(?:let me know|feel free|I hope this helps|would you like"
    r"|if you (?:have|need) (?:any )?(?:more|further|other)|is there anything)"
    r"[^\n]*\Z",
    re.IGNORECASE,
)
_DANGLING = re.compile(
    r"(?:[,;:(\[–—-]|\b(?:and|or|but|the|a|an|of|to|with|in|on|for|is|are|was|by|at|as|from|than|that|which"
    r"|et|ou|le|la|les|de|du|des|un|une))\Z",
)


def part(text: str) -> Parted:
    """Return the final answer in a teacher's raw text, its reasoning, and what was found around them."""
    if "<|channel|>" in text:
        return _channels(text)
    lost = _LOST_MARKS.match(text)
    if lost and (lost[2] is not None or text.startswith(("analysisWe", "analysisThe", "analysisI", "analysisUser"))):
        return _parted(lost[2], lost[1], "channel_marks_lost")
    for mark, opening, closing in _TAGS:
        if opening.search(text) or closing.search(text):
            return _tagged(text, mark, opening, closing)
    return _parted(text, "")


def fault_of(parted: Parted) -> str | None:
    """Return why a parted answer cannot be used, None when it can: the reasons of `FAULTS`."""
    if not parted.is_whole:
        return "only_reasoning"
    if not parted.final:
        return "empty_answer"
    if _TEMPLATE.search(parted.final):
        return "template_tokens"
    if _ITSELF.search(parted.final):
        return "speaks_of_itself"
    return "refusal" if _REFUSES.match(parted.final) else None


FAULTS = ("only_reasoning", "empty_answer", "template_tokens", "speaks_of_itself", "refusal")


def is_cut(prose: str) -> bool:
    """Say whether prose ends in the middle of a sentence: on a link word or comma, in an open bracket or fence."""
    text = prose.rstrip()
    if not text:
        return True
    opened = text.count("(") > text.count(")") or text.count("```") % 2 == 1
    return opened or _DANGLING.search(text) is not None


def speaks_of_itself(text: str) -> bool:
    """Say whether a text is spoken by a model about itself."""
    return _ITSELF.search(text) is not None


def has_template_tokens(text: str) -> bool:
    """Say whether tokens of a chat template or of hidden reasoning stand in a text."""
    return _TEMPLATE.search(text) is not None


def _channels(text: str) -> Parted:
    spoken = [(name, body) for name, body in _CHANNEL.findall(text)]
    finals = [body for name, body in spoken if name == "final"]
    thought = "\n\n".join(body.strip() for name, body in spoken if name != "final")
    return _parted(finals[-1] if finals else None, thought, "channels")


def _tagged(text: str, mark: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> Parted:
    """Part a text at the last closing tag; without one, all after the opening is reasoning that never ended."""
    ends = list(closing.finditer(text))
    if not ends:
        found = opening.search(text)
        return _parted(None, text[found.end() :] if found else text, mark)
    thought = opening.sub("", closing.sub("", text[: ends[-1].start()]))
    return _parted(text[ends[-1].end() :], thought, mark)


def _parted(final: str | None, reasoning: str, *marks: str) -> Parted:
    if final is None:
        return Parted("", reasoning.strip(), marks, False)
    answer = re.sub(
        r"(?:<\|(?:end|return|im_end|eot_id|endoftext|end_of_text)\|>|</s>|<eos>|<end_of_turn>)\s*\Z", "", final.strip()
    )
    found = list(marks)
    if (shorter := _COURTESY.sub("", answer)) != answer:
        answer = shorter
        found.append("courtesy")
    if (shorter := _OFFERS.sub("", answer)) != answer:
        answer = shorter
        found.append("offer")
    return Parted(answer.strip(), reasoning.strip(), tuple(found), True)
