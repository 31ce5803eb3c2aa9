"""The reference index: what of every item is looked for, as sorted arrays in one Arrow file that workers map.

Longer parts are looked for by sequences of `GRAM_WORDS` words with numbers left out, so that a copy with other
numbers is found too; the evidence then says how many of the numbers agree. Parts of 3 to 12 words are looked for
whole, numbers included: `5 mg` is not `50 mg`. Options are looked for as a set, from the rarest of them;
a set of a few numbers or letters (20 %, II) is found with its stem only. Sequences and parts that more than `COMMON`
different texts share (which of the following is ...) are boilerplate and set aside. The same items give the same bytes
in any order. Not here: reading a document (`contamination_scan`).
"""

import re
from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.engine.compiled import compiled
from pipelines.stages.contamination_items import ANSWER, EXPLANATION, OPTION, PARTS, PASSAGE, STEM, Item, Part
from pipelines.stages.contamination_lookup import Lookup, filter_of, grouped, lookup_of, sequence_key
from pipelines.stages.contamination_words import Flags, Places, split_rows, word_list
from pipelines.stages.quality_repeats import Hashes

GRAM_WORDS = 5
LEAST_PLAIN_WORDS = 7
"""A part with fewer words that are no numbers is looked for whole only."""
EXACT_WORDS = range(3, 13)
PREFIX_WORDS = 3
COMMON = 8
WHOLE, PAIR, ANCHOR = 1, 2, 4
"""What a part found whole stands for: itself; a stem that needs an option beside it; the options around it."""
LEAST_OPTIONS = 3
MANY_WORDS = 8
"""Options of so many different words do not stand together by chance."""
_TELLING = re.compile(r"[^\W\d_]{3}|[^\W\d_a-zA-Z]")
STEM_KIND, OPTION_KIND, ANSWER_KIND = PARTS.index(STEM), PARTS.index(OPTION), PARTS.index(ANSWER)


class Index(NamedTuple):
    """Arrays for compiled code: postings of sequences, and parts by number, those of an item side by side."""

    grams: Lookup
    gram_parts: Places
    gram_places: Places
    exact: Lookup
    exact_parts: Places
    exact_roles: Flags
    prefixes: Hashes
    """Filter of the first `PREFIX_WORDS` words of longer sequences that are looked for whole."""
    lengths: Flags
    """Whether any sequence of 0 to 12 words is looked for whole."""
    part_items: Places
    part_kinds: Flags
    part_words: Places
    part_grams: Places
    """Sequences of a part that are not boilerplate."""
    part_plain: Places
    part_keys: Hashes
    part_firsts: Hashes
    """The first word of each part; 0 for one without words."""
    item_firsts: Places
    """First part of each item, and the number of parts at the end."""


class References(NamedTuple):
    """The index, and what compiled code has no use for: the items by number, and the items of each id."""

    arrays: Index
    items: list[Item]
    ids: dict[str, list[int]]


class _Parts(NamedTuple):
    """The words of all parts in a row."""

    hashes: Hashes
    firsts: npt.NDArray[np.int64]
    plain: Hashes
    plain_firsts: npt.NDArray[np.int64]
    kinds: Flags
    items: Places
    keys: Hashes
    telling: npt.NDArray[np.bool_]
    """Parts with a word of three letters or more, unlike `II`, `CD4` and `20 %`."""


@compiled
def _keys_at(hashes: Hashes, firsts: npt.NDArray[np.int64], words: npt.NDArray[np.int64], out: Hashes) -> None:
    for at in range(len(firsts)):
        out[at] = sequence_key(hashes, firsts[at], words[at])


def _keys(hashes: Hashes, firsts: Any, words: Any) -> Hashes:
    out = np.empty(len(firsts), np.uint64)
    _keys_at(hashes, np.asarray(firsts, np.int64), np.asarray(words, np.int64), out)
    return out


def _read(items: list[Item]) -> _Parts:
    parts = [part for item in items for part in item.parts]
    hashes, numbers, firsts = split_rows([part.text for part in parts])
    plain_before = np.concatenate(([0], np.cumsum(~numbers)))
    kinds = np.array([PARTS.index(part.kind) for part in parts], np.uint8)
    owners = np.repeat(np.arange(len(items), dtype=np.int32), [len(item.parts) for item in items])
    keys = _keys(hashes, firsts[:-1], np.diff(firsts))
    telling = np.array([_TELLING.search(part.text) is not None for part in parts], bool)
    return _Parts(hashes, firsts, hashes[~numbers], plain_before[firsts], kinds, owners, keys, telling)


def build_index(items: list[Item]) -> Index:
    """Return the arrays of items, which must be as `ordered` gives them."""
    parts = _read(items)
    grams, gram_parts, gram_places = _gram_lookup(parts)
    exact, exact_parts, exact_roles = _exact_lookup(parts, len(items))
    words = np.diff(parts.firsts)
    told = (np.minimum(words, EXACT_WORDS.stop - 1)[exact_parts]).astype(np.int64)
    longer = np.flatnonzero(told >= PREFIX_WORDS)
    prefixes = _keys(parts.hashes, parts.firsts[exact_parts[longer]], np.full(len(longer), PREFIX_WORDS))
    useful = np.bincount(gram_parts, minlength=len(words))
    return Index(
        grams,
        gram_parts,
        gram_places,
        exact,
        exact_parts,
        exact_roles,
        filter_of(np.unique(prefixes)),
        (np.bincount(told, minlength=EXACT_WORDS.stop) > 0).astype(np.uint8),
        parts.items,
        parts.kinds,
        words.astype(np.int32),
        useful.astype(np.int32),
        np.diff(parts.plain_firsts).astype(np.int32),
        parts.keys,
        np.where(words > 0, np.append(parts.hashes, np.uint64(0))[parts.firsts[:-1]], np.uint64(0)),
        np.searchsorted(parts.items, np.arange(len(items) + 1)).astype(np.int32),
    )


def _gram_lookup(parts: _Parts) -> tuple[Lookup, Places, Places]:
    """Return the table of sequences of plain words, with the part and the place of each posting."""
    plain = np.diff(parts.plain_firsts)
    long = np.flatnonzero((plain >= LEAST_PLAIN_WORDS) & (parts.kinds != OPTION_KIND))
    many = plain[long] - GRAM_WORDS + 1
    owners = np.repeat(long, many)
    places = np.arange(len(owners)) - np.repeat(np.cumsum(many) - many, many)
    keys = _keys(parts.plain, parts.plain_firsts[owners] + places, np.full(len(owners), GRAM_WORDS))
    texts = _keys(parts.plain, parts.plain_firsts[long], plain[long])
    common = _common(keys, np.repeat(texts, many))
    order = np.lexsort((places, owners, keys))
    lookup = lookup_of(*_without(*grouped(keys, order, common), order, common))
    kept = order[~common[order].astype(bool)]
    return lookup, owners[kept].astype(np.int32), places[kept].astype(np.int32)


def _without(keys: Hashes, firsts: Places, lasts: Places, order: Any, common: Flags) -> Any:
    """Return ranges moved to where postings lie once those set aside are left out."""
    gone = np.concatenate(([0], np.cumsum(common[order])))
    return keys, (firsts - gone[firsts]).astype(np.int32), (lasts - gone[lasts]).astype(np.int32)


def _common(keys: Hashes, texts: Hashes) -> Flags:
    """Say of each key whether more than `COMMON` different texts share it."""
    order = np.lexsort((texts, keys))
    ranked, whose = keys[order], texts[order]
    new = np.concatenate(([True], (ranked[1:] != ranked[:-1]) | (whose[1:] != whose[:-1])))[: len(keys)]
    distinct, counts = np.unique(ranked[new], return_counts=True)
    return (counts[np.searchsorted(distinct, keys)] > COMMON).astype(np.uint8)


def _exact_lookup(parts: _Parts, items: int) -> tuple[Lookup, Places, Flags]:
    """Return the table of whole parts, with the part and the role of each posting."""
    words = np.diff(parts.firsts)
    pairs = list(zip(parts.kinds.tolist(), parts.keys.tolist(), strict=True))
    seen = Counter(pairs)
    rare = np.array([seen[pair] <= COMMON for pair in pairs], bool)
    roles = np.zeros(len(words), np.uint8)
    fits = (words >= EXACT_WORDS.start) & (words < EXACT_WORDS.stop)
    alone = fits & rare & np.isin(parts.kinds, [PARTS.index(kind) for kind in (STEM, PASSAGE, EXPLANATION)])
    roles[alone] |= WHOLE
    with_passage = np.zeros(items, bool)
    with_passage[parts.items[parts.kinds == PARTS.index(PASSAGE)]] = True
    short = (parts.kinds == STEM_KIND) & (words > 0) & (words < EXACT_WORDS.stop)
    roles[short & ~with_passage[parts.items]] |= PAIR
    roles[_anchors(parts, words, seen)] |= ANCHOR
    told = np.flatnonzero(roles)
    looked = np.minimum(words[told], EXACT_WORDS.stop - 1)
    keys = _keys(parts.hashes, parts.firsts[told], looked)
    order = np.lexsort((told, keys))
    lookup = lookup_of(*grouped(keys, order, np.zeros(len(told), np.uint8)))
    return lookup, told[order].astype(np.int32), roles[told[order]]


def _anchors(parts: _Parts, words: npt.NDArray[np.int64], seen: Counter[Any]) -> list[int]:
    """Return the rarest option of each item whose options few share; of equally rare ones the longest."""
    options: dict[int, list[int]] = {}
    for part in np.flatnonzero((parts.kinds == OPTION_KIND) & (words > 0)).tolist():
        options.setdefault(int(parts.items[part]), []).append(part)
    sets = {item: frozenset(parts.keys[own].tolist()) for item, own in options.items()}
    shared = Counter(sets.values())
    anchors = []
    for item, own in options.items():
        many = len(
            {word for part in own for word in parts.hashes[parts.firsts[part] : parts.firsts[part + 1]].tolist()}
        )
        telling = [part for part in own if many >= MANY_WORDS or parts.telling[part]]
        if telling and len(sets[item]) >= LEAST_OPTIONS and shared[sets[item]] <= COMMON:
            anchors.append(
                min(telling, key=lambda part: (seen[OPTION_KIND, int(parts.keys[part])], -words[part], part))
            )
    return anchors


def ordered(items: list[Item]) -> list[Item]:
    """Return items in the one order that their content gives, each once."""
    return sorted({_well_formed(item) for item in items})


def _well_formed(item: Item) -> Item:
    """Return an item without halves of surrogate pairs, which no document can hold, its longest options first.

    A short option may be a word of a longer one, which must be found before it.
    """
    parts = [Part(kind, text.encode(errors="ignore").decode()) for kind, text in item.parts]
    options = sorted(
        (part for part in parts if part.kind == OPTION), key=lambda p: (-len(word_list(p.text)[0]), p.text)
    )
    parts = [*options, *(part for part in parts if part.kind != OPTION)]
    return item._replace(key=item.key.encode(errors="replace").decode(), parts=tuple(parts))


def to_arrow(items: list[Item]) -> pa.Table:
    """Return one row with items and index; lists are large lists of plain numbers and strings."""
    index = build_index(items)
    arrays: dict[str, pa.Array] = {}
    for name, value in index._asdict().items():
        inner = value._asdict() if isinstance(value, Lookup) else {"": value}
        arrays |= {f"{name}.{key}".rstrip("."): pa.array(one) for key, one in inner.items()}
    for name in ("benchmark", "reference", "key"):
        arrays[f"item_{name}"] = pa.array([getattr(item, name) for item in items], pa.large_string())
    arrays["item_ids"] = pa.array(["\n".join(item.ids) for item in items], pa.large_string())
    arrays["part_texts"] = pa.array([part.text for item in items for part in item.parts], pa.large_string())
    columns = [pa.LargeListArray.from_arrays([0, len(array)], array) for array in arrays.values()]
    return pa.Table.from_arrays(columns, names=list(arrays))


def from_arrow(table: pa.Table) -> References:
    """Return what `to_arrow` wrote; numbers are views of the table's memory."""
    lists = {name: table.column(name).chunk(0).values for name in table.column_names}
    numbers = {name: a.to_numpy() for name, a in lists.items() if pa.types.is_integer(a.type)}
    fields: dict[str, Any] = {
        name: Lookup(*(numbers[f"{name}.{key}"] for key in Lookup._fields))
        if name in ("grams", "exact")
        else numbers[name]
        for name in Index._fields
    }
    index = Index(**fields)
    items = _items(index, {name: lists[name].to_pylist() for name in lists if name not in numbers})
    ids: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        for name in item.ids:
            ids.setdefault(name, []).append(number)
    return References(index, items, ids)


def _items(index: Index, texts: dict[str, list[str]]) -> list[Item]:
    firsts = index.item_firsts.tolist()
    kinds = [PARTS[kind] for kind in index.part_kinds]
    parts = list(map(Part, kinds, texts["part_texts"]))
    rows = zip(texts["item_benchmark"], texts["item_reference"], texts["item_key"], texts["item_ids"], strict=True)
    return [
        Item(benchmark, reference, key, tuple(ids.split("\n")) if ids else (), tuple(parts[first:last]))
        for (benchmark, reference, key, ids), first, last in zip(rows, firsts, firsts[1:], strict=False)
    ]
