"""What each character counts as, and the common words of a few languages, as lookup tables for `quality_scan`.

The classes are Unicode's own (general category, script), so that they serve every language; which signs are cut off a
word follows spaCy's general rules of punctuation, so that words are counted as datatrove counts them. The word lists
hold the most frequent function words of languages in Latin script, less those that ROT13 makes from common English
words (va, or, ng): they tell language from what only looks like it. Not here: any judgement.
"""

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import regex  # type: ignore[import-untyped]

from pipelines.engine.kept_tables import Table, kept_tables
from pipelines.stages.quality_repeats import slot_of, table_size

SPACE, WORD, LETTER, MARK, DIGIT, SPLIT, LATIN, VOWEL, TERMINAL = (1 << bit for bit in range(9))
SMALL, CAPITAL, OPENS, CLOSES, QUOTE, PICTURE, MONEY = (1 << bit for bit in range(9, 16))
"""A letter without case is both small and capital, a mark is small. Signs that open are cut off where a word begins,
signs that close where it ends; pictures are Unicode's other symbols (°, ®, →), quotes and pictures are both."""
TABLE_SIZE = 0x34000
"""Code points above count as symbols: private use, and tags that nobody sees."""

_SPACELESS = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]")
_QUOTES = frozenset("'\"`´‘’‚“”„«»「」『』（）〔〕【】《》〈〉〈〉⟦⟧")
_OPEN_AND_CLOSE = frozenset(",:;!?¿¡()[]{}<>_#*&…·～—–。？！，、；：؟،؛٪۔।") | _QUOTES
_OPEN = frozenset("§%=")
_SENTENCE_END = regex.compile(r"\p{Sentence_Terminal}")

GOPHER_STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
STOP_WORDS = {
    "en": "the of and to in is for with that are be on was by as at from this have not which were an it if should",
    "fr": "de la le les et des en du un une que est pour dans par au sur ou avec pas ne il sont plus qui aux",
    "es": "de la el los las en que un una por con para del se es al su como no más si son debe ser entre también",
    "pt": "de da do em um uma que para com os as dos das por se não na no ao como mais ou são ser pelo entre também",
    "de": "der die und den von zu das mit des ist nicht ein eine bei für im auf oder sind werden dem sich auch als",
    "it": "di il la che in un una per con del della dei le non si da al sono come più nel alla dei gli essere",
    "nl": "de het een van en is dat op te voor met niet zijn aan er om bij als ook door worden wordt naar uit",
    "sv": "och att det som en på är av för med den till inte har de om ett kan vid från eller ska",
    "pl": "się na do jest nie że jak po co lub dla przez są oraz od przy być może ze",
    "tr": "bir ve bu için ile da olarak olan daha gibi en veya sonra kadar olmak ise her değil",
    "id": "yang dan di dari untuk dengan pada dalam ini tidak atau adalah akan oleh ke dapat harus",
    "vi": "và của là có các cho không được trong một những với để này khi người bệnh hoặc",
    "sw": "na ya wa kwa ni za la katika kama au cha vya hii ili yake wakati baada bila kuwa",
}


def char_class(char: str) -> int:
    """Return the class bits of one character; see the names above."""
    if ord(char) >= TABLE_SIZE:
        return 0
    category = unicodedata.category(char)
    if char.isspace() or char == "\u200b" or category in ("Cc", "Zs", "Zl", "Zp"):
        return SPACE
    bits = (TERMINAL if _SENTENCE_END.match(char) else 0) | _sign_bits(char, category)
    if category[0] == "M" or category == "Cf":
        return bits | WORD | MARK | SMALL
    if category[0] == "N":
        return bits | WORD | (DIGIT if char in "0123456789" else 0)
    if category[0] == "L":
        case = {"Ll": SMALL, "Lu": CAPITAL}.get(category, SMALL | CAPITAL)
        return bits | WORD | LETTER | case | _script_bits(char)
    return bits


def _sign_bits(char: str, category: str) -> int:
    if category == "So":
        return PICTURE | OPENS | CLOSES
    if category == "Sc":
        return MONEY | OPENS
    bits = QUOTE if char in _QUOTES else 0
    if char in _OPEN_AND_CLOSE:
        return bits | OPENS | CLOSES
    return OPENS if char in _OPEN else 0


def _script_bits(char: str) -> int:
    if _SPACELESS.match(char):
        return SPLIT
    letter = unicodedata.normalize("NFD", char.lower())[0]
    if letter in "aeiouyæœøıə":
        return LATIN | VOWEL
    return LATIN if "a" <= letter <= "z" or letter in "ßðþđł" else 0


@lru_cache(maxsize=1)
def class_table() -> npt.NDArray[np.uint16]:
    """Return the class bits of every code point below `TABLE_SIZE`; surrogates count as symbols."""

    def make() -> tuple[Table, ...]:
        return (np.array([char_class(chr(code)) for code in range(TABLE_SIZE)], dtype=np.uint16),)

    return kept_tables(__file__, [regex.__version__.encode()], make)[0]


def word_hash(word: str) -> int:
    """Return the 64-bit FNV-1a hash of a word's UTF-8 bytes, as the scan computes it."""
    value = 0xCBF29CE484222325
    for byte in word.encode():
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


@lru_cache(maxsize=1)
def stop_table() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
    """Return the open hash table of all stop words, and masks: bit k for language k, bits 16-23 for Gopher's words."""
    masks: dict[int, int] = {}
    for bit, words in enumerate(STOP_WORDS.values()):
        for word in words.split():
            masks[word_hash(word)] = masks.get(word_hash(word), 0) | 1 << bit
    for bit, word in enumerate(GOPHER_STOP_WORDS):
        masks[word_hash(word)] = masks.get(word_hash(word), 0) | 1 << (16 + bit)
    size = table_size(len(masks))
    keys, bits = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint32)
    for key, mask in masks.items():
        slot = slot_of(keys, np.uint64(key))
        keys[slot], bits[slot] = key, mask
    return keys, bits
