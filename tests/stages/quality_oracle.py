"""The quality statistics in plain Python, on strings: the slow twin that `quality_scan` must agree with."""

import re
from collections import Counter

from pipelines.stages import quality_chars as chars
from pipelines.stages.quality_c4 import PHRASES
from pipelines.stages.quality_chars import GOPHER_STOP_WORDS, STOP_WORDS, char_class
from pipelines.stages.quality_scan import DUPLICATE_N_GRAMS, TOP_N_GRAMS
from pipelines.stages.quality_words import UNITS

BLANKS = " \t\v\f\r"


def has(char: str, bit: int) -> bool:
    return bool(char_class(char) & bit)


def shape_of(text: str) -> str:
    """One letter for the class of each character, so that regular expressions can split a text into tokens."""
    return "".join(char if char in "+-–—~*^.,:<=>/%…" else letter_of(char_class(char)) for char in text)


def letter_of(bits: int) -> str:
    for bit, letter in ((chars.SPACE, " "), (chars.SPLIT, "s"), (chars.MARK, "m"), (chars.DIGIT, "d")):
        if bits & bit:
            return letter
    if bits & chars.LETTER:
        return "n" if bits & chars.SMALL and bits & chars.CAPITAL else "l" if bits & chars.SMALL else "C"
    for bit, letter in ((chars.WORD, "w"), (chars.QUOTE, "q"), (chars.PICTURE, "i"), (chars.CLOSES, "p")):
        if bits & bit:
            return letter
    return "$" if bits & chars.MONEY else "o" if bits & chars.OPENS else "x"


SMALL, CAPITAL, LETTER = "[lnm]", "[Cn]", "[lnmC]"
BEGINNING = re.compile(r"\.\.+|[qip…,:<>*—–$o%=]|\+(?!d)")
ENDINGS = [
    re.compile(rf"{ending}\Z")
    for ending in (
        r"\.\.+", "[qip…,:<>*—–]", r"(?<=d)[$+]", r"(?<=[lnmdwqip…,:<>*—–%+\-])(?<!\.[ln])(?<!^[ln])\.",
        rf"(?<={CAPITAL}C)\.",
    )
]  # fmt: skip
WRITTEN_ENDINGS = [
    re.compile(rf"{ending}\Z")
    for ending in ("['’][sS]", "(?<=[0-9])(?:" + "|".join(UNITS) + ")", r"(?<=°[A-Z])\.")
]  # fmt: skip
INSIDE = re.compile(
    r"\.\.+|[i…]|(?<=d)[+\-*^](?=[d\-])|(?<=[lnmq])\.(?=[Cnq])"
    rf"|(?<={LETTER}),(?={LETTER})|(?<=[lnmCd])(?:---|--|——|[\-–—~])(?={LETTER})|(?<=[lnmCd])[:<>=/](?={LETTER})"
)
ADDRESS = re.compile(r"www\.|[A-Za-z0-9]+://")


def split_tokens(text: str) -> list[str]:
    tokens: list[str] = []
    shape = shape_of(text)
    for match in re.finditer("sm*|[^ s]+", shape):
        part = text[match.start() : match.end()]
        tokens += [part] if match[0][0] == "s" else split_part(part, match[0])
    return tokens


def split_part(part: str, shape: str) -> list[str]:
    """The tokens of what stands between spaces: its beginnings, what they leave, and its endings."""
    first, last = [], []
    while match := BEGINNING.match(shape):
        first.append(part[: match.end()])
        part, shape = part[match.end() :], shape[match.end() :]
    while part:
        found = [m for m in (*(e.search(shape) for e in ENDINGS), *(e.search(part) for e in WRITTEN_ENDINGS)) if m]
        if not found:
            break
        start = min(match.start() for match in found)
        last.append(part[start:])
        part, shape = part[:start], shape[:start]
    cuts = [0]
    if not ADDRESS.match(part):
        cuts += [at for match in INSIDE.finditer(shape) for at in match.span()]
    inside = [part[a:b] for a, b in zip(cuts, [*cuts[1:], len(part)], strict=True)]
    return [*first, *filter(None, inside), *reversed(last)]


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def repeated(items: list[str], n_chars: int) -> tuple[float, float]:
    seen: set[str] = set()
    again = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return ratio(len(again), len(items)), ratio(sum(map(len, again)), n_chars)


def top_gram(tokens: list[str], n: int) -> int:
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    if not grams:
        return 0
    gram, count = Counter(grams).most_common(1)[0]
    return count * len(" ".join(gram)) if count > 1 else 0


def duplicate_grams(tokens: list[str], n: int) -> int:
    seen, found, at = set(), 0, 0
    while at + n <= len(tokens):
        gram = tuple(tokens[at : at + n])
        if gram in seen:
            found += sum(map(len, gram))
            at += n
        else:
            seen.add(gram)
            at += 1
    return found


def word_statistics(tokens: list[str]) -> dict[str, float]:
    words = [t for t in tokens if any(has(c, chars.WORD) for c in t)]
    alpha = [w for w in words if any(has(c, chars.LETTER) for c in w)]
    spaced = [w for w in alpha if not any(has(c, chars.SPLIT) for c in w)]
    latin = [w for w in words if any(has(c, chars.LATIN) for c in w)]
    folded = ["".join(c.lower() if c.isascii() else c for c in w) for w in latin]
    letters = [[c for c in w if has(c, chars.LATIN)] for w in latin if not any(has(c, chars.DIGIT) for c in w)]
    long_letters = [c for word in letters if len(word) >= 4 for c in word]
    symbols = "".join(t for t in tokens if not any(has(c, chars.WORD) for c in t))
    return {
        "tokens": len(tokens),
        "words": len(words),
        "stop_words": len(set(folded) & set(GOPHER_STOP_WORDS)),
        "mean_word_length": ratio(sum(map(len, spaced)), len(spaced)),
        "alpha_word_fraction": ratio(len(alpha), len(tokens)),
        "symbol_fraction": ratio(len(symbols), sum(map(len, tokens))),
        "stop_word_share": ratio(
            max(sum(w in known.split() for w in folded) for known in STOP_WORDS.values()), len(latin)
        ),
        "vowel_share": sum(has(c, chars.VOWEL) for c in long_letters) / len(long_letters) if long_letters else 1.0,
    }


def line_statistics(text: str, n_tokens: int) -> dict[str, float]:
    def strip(line: str) -> str:
        while line and has(line[-1], chars.SPACE):
            line = line[:-1]
        return line

    lines = [line for line in text.split("\n") if strip(line)]
    ends = list(map(strip, lines))
    firsts = [next(c for c in line if not has(c, chars.SPACE)) for line in lines]
    duplicate_lines = repeated(lines, len(text))
    duplicate_paragraphs = repeated([p for p in re.split(r"\n{2,}", text.strip("\n")) if p], len(text))
    return {
        "lines": len(lines),
        "ellipsis_ratio": ratio(text.count("...") + text.count("…"), n_tokens),
        "replacement_chars": text.count("\ufffd"),
        "curly_brackets": text.count("{") + text.count("}"),
        "hash_ratio": ratio(text.count("#"), n_tokens),
        "newline_ratio": ratio(text.count("\n"), n_tokens),
        "bullet_line_fraction": ratio(sum(c in "-*•‣◦●▪" for c in firsts), len(lines)),
        "ellipsis_line_fraction": ratio(sum(e.endswith(("...", "…")) for e in ends), len(lines)),
        "terminal_line_fraction": ratio(sum(has(e[-1], chars.TERMINAL) for e in ends), len(lines)),
        "short_line_fraction": ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "dup_line_fraction": duplicate_lines[0],
        "dup_line_char_fraction": duplicate_lines[1],
        "dup_para_fraction": duplicate_paragraphs[0],
        "dup_para_char_fraction": duplicate_paragraphs[1],
    }


def c4_sentences(text: str) -> int:
    kept = [line for line in map(kept_by_c4, text.split("\n")) if line]
    return 0 if "{" in "".join(kept) else sum(map(sentences, kept))


def kept_by_c4(line: str) -> str:
    """The line without citations at its end, empty when C4 drops it."""
    words = re.split(r"[ \t\v\f\r]+", line.strip(BLANKS))
    bare = re.sub(rf"(?:[{BLANKS}]|\[\d*\])+\Z", "", line, flags=re.ASCII)
    phrases = (phrase in "".join(c.lower() if c.isascii() else c for c in line) for phrase in PHRASES)
    if not bare.endswith((".", "?", "!", '"', "'")) or bare.endswith("...") or any(phrases):
        return ""
    return bare if len(words) >= 3 and all(len(word.encode()) <= 1000 for word in words) else ""


def sentences(line: str) -> int:
    count, open_mark, blank = 1, False, False
    for at, char in enumerate(line):
        if char in ".?!":
            before = line[max(0, at - 2) : at]
            letter = before[-1:].isascii() and before[-1:].isalpha()
            first = before[:1] if len(before) == 2 else " "
            alone = before[-1:].isupper() and not (first.isalpha() or not first.isascii())
            open_mark, blank = char != "." or not (letter and (first == "." or alone)), False
        elif char in BLANKS:
            blank = True
        elif not char.isascii() or char.isalnum():
            count += open_mark and blank
            open_mark = False
    return count


def statistics(text: str) -> dict[str, float]:
    tokens = split_tokens(text)
    grams = {f"top_{n}_gram": ratio(top_gram(tokens, n), len(text)) for n in TOP_N_GRAMS}
    grams |= {f"dup_{n}_gram": ratio(duplicate_grams(tokens, n), len(text)) for n in DUPLICATE_N_GRAMS}
    c4 = {"c4_sentences": c4_sentences(text)}
    return {"chars": len(text), **c4, **word_statistics(tokens), **line_statistics(text, len(tokens)), **grams}
