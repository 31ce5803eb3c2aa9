"""The quality statistics in plain Python, on strings: the slow twin that `quality_scan` must agree with."""

import re
from collections import Counter

from pipelines.stages import quality_chars as chars
from pipelines.stages.quality_c4 import PHRASES
from pipelines.stages.quality_chars import GOPHER_STOP_WORDS, STOP_WORDS, char_class
from pipelines.stages.quality_scan import DUPLICATE_N_GRAMS, TOP_N_GRAMS

BLANKS = " \t\v\f\r"


def has(char: str, bit: int) -> bool:
    return bool(char_class(char) & bit)


def letter_of(char: str) -> str:
    """One letter for the class of a character, so that a regular expression can split a text into tokens."""
    bits = char_class(char)
    for bit, letter in ((chars.SPACE, " "), (chars.SPLIT, "s"), (chars.MARK, "m"), (chars.DIGIT, "d")):
        if bits & bit:
            return letter
    return "w" if bits & chars.WORD else "." if char in ".,-/:" else "x"


def split_tokens(text: str) -> list[str]:
    shape = "".join(map(letter_of, text))
    pattern = r"sm*|[wdm](?:[wdm]|(?<=d)\.(?=d))*|[x.]"
    tokens: list[str] = []
    end = 0
    for match in re.finditer(pattern, shape):
        token = text[match.start() : match.end()]
        if match[0] in "x." and tokens and match.start() == end and set(tokens[-1]) == {token}:
            tokens[-1] += token
        else:
            tokens.append(token)
        end = match.end()
    return tokens


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
        "replacement_chars": symbols.count("\ufffd"),
        "curly_brackets": symbols.count("{") + symbols.count("}"),
        "mean_word_length": ratio(sum(map(len, spaced)), len(spaced)),
        "alpha_word_fraction": ratio(len(alpha), len(tokens)),
        "symbol_fraction": ratio(len(symbols), sum(map(len, tokens))),
        "hash_ratio": ratio(symbols.count("#"), len(tokens)),
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
    return sum(map(sentences, filter(None, map(kept_by_c4, text.split("\n")))))


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
