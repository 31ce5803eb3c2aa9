"""Targets: the model families that a mixture can feed, and their tokenizers, loaded so that text stays text.

A target is a small YAML of `configs/targets/`: ids of BOS, EOS and pad, where BOS goes, how long the context is, and
probes that a tokenizer file must answer, since files of one tokenizer differ in their bytes. Loading turns off
templates, truncation and padding, and makes the tokenizer read a literal `<|eot_id|>` or `<tool_call>` in a source
text as ordinary characters: a control id enters a sequence only because packing puts it there. Not here: encoding
documents (`tokenize`), writing conversations (`chat`), and getting a file from the hub.
"""

import os
import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from mixer.chat import ChatFormat
from mixer.sentencepiece_model import read_sentencepiece, tokenizer_json
from pipelines.engine.errors import ConfigError, InputError
from pipelines.engine.hashing import sha256_bytes
from pipelines.engine.hub import fetch_tokenizer
from pipelines.engine.sandbox import attempt
from pipelines.engine.settings import BYTES, SPEED, Settings

DEMO = "demo"
SENTENCEPIECE = (".model", ".spm")
DEMO_TOKENS = ("<|bos|>", "<|eos|>", "<|pad|>")
TARGETS = Path(__file__).parents[1] / "configs" / "targets"
_MARK = re.compile(r"<\|?\w+\|?>")
_SPACE = string.whitespace + "\u00a0\u2581"  # U+2581 stands for a space in the vocabularies of SentencePiece
_Id = Annotated[int, Field(ge=0)]


class Target(Settings):
    """One model family: what its tokenizer is, and which marks a document gets.

    `tokenizer` is the path of a tokenizer.json or of a SentencePiece model, below one of the folders searched, or a hub
    id with `revision`; None where the run trains it. `bos` and `eos` say whether a document begins and ends with the
    mark, `continuation_bos` whether the later pieces of a cut document do. The ids take up `id_type`.
    """

    name: Annotated[str, BYTES]
    tokenizer: Annotated[str | None, SPEED] = None
    revision: Annotated[str | None, Field(pattern=r"^[0-9a-f]{40}$"), BYTES] = None
    tokenizer_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$"), BYTES] = None
    bos_id: Annotated[_Id | None, BYTES] = None
    eos_id: Annotated[_Id | None, BYTES] = None
    pad_id: Annotated[_Id | None, BYTES] = None
    bos: Annotated[bool, BYTES] = False
    eos: Annotated[bool, BYTES] = True
    continuation_bos: Annotated[bool, BYTES] = False
    context_tokens: Annotated[int, Field(gt=0), BYTES]
    vocabulary: Annotated[int, Field(gt=0), BYTES]
    control: Annotated[dict[str, int], BYTES] = Field(default_factory=dict)
    """Control tokens and the ids that the tokenizer file must give them."""
    ordinary: Annotated[tuple[str, ...], BYTES] = ()
    """Added tokens that stand for ordinary text; those made of white space always do."""
    probes: Annotated[dict[str, tuple[int, ...]], SPEED] = Field(default_factory=dict)
    """Texts and the ids that the tokenizer file must give them."""
    chat: Annotated[ChatFormat | None, BYTES] = None
    """How the model writes conversations; without it they are trained on as text."""

    @model_validator(mode="after")
    def _marks_have_ids(self) -> "Target":
        if (self.bos or self.continuation_bos) and self.bos_id is None:
            raise ValueError("bos and continuation_bos need a bos_id")
        if self.eos and self.eos_id is None:
            raise ValueError("eos needs an eos_id")
        if self.pad_id is not None and self.pad_id == self.eos_id:
            raise ValueError(
                f"pad_id and eos_id are both {self.pad_id}; a trainer that masks padding would mask every EOS"
            )
        for name in ("bos_id", "eos_id", "pad_id"):
            value = getattr(self, name)
            if value is not None and value >= self.vocabulary:
                raise ValueError(f"{name} {value} is not below the vocabulary of {self.vocabulary}")
        written = self.chat and self.chat.begin + self.chat.open + self.chat.close
        if self.chat and self.chat.close not in self.control:
            raise ValueError(f"chat.close {self.chat.close!r} is none of the control tokens, {', '.join(self.control)}")
        if written and (lost := [mark for mark in _MARK.findall(written) if mark not in self.control]):
            raise ValueError(f"chat writes {lost[0]}, which is none of the control tokens, {', '.join(self.control)}")
        return self

    def __hash__(self) -> int:
        """Hash by value, so that a worker can keep one loaded tokenizer for each target."""
        return hash(self.model_dump_json())

    @property
    def id_type(self) -> pa.DataType:
        """Return the Arrow type of token ids: uint16 for up to 65,536 of them, else uint32."""
        return pa.uint16() if self.vocabulary <= 1 << 16 else pa.uint32()

    @property
    def id_dtype(self) -> np.dtype[Any]:
        """Return the numpy type of token ids."""
        return np.dtype(np.uint16 if self.id_type == pa.uint16() else np.uint32)

    @property
    def fill_id(self) -> int:
        """Return the id that fills padding; labels never see it, they are masked by `pad_len`."""
        return next(value for value in (self.pad_id, self.eos_id, 0) if value is not None)

    def tokenizer_path(self, search: Sequence[Path] = ()) -> Path | None:
        """Return the first tokenizer file found: as given, then below `search` (hub ids in the hub's cache layout)."""
        if self.tokenizer is None:
            return None
        given = Path(self.tokenizer).expanduser()
        snapshot = Path(f"models--{self.tokenizer.replace('/', '--')}", "snapshots", self.revision or "none")
        names = ("tokenizer.json", "tokenizer.model")
        places = [(snapshot if self.revision else given) / name for name in names]
        places = places if self.revision else [given, *places]
        found = (folder / place for folder in (Path(), *search, *_default_search()) for place in places)
        return next((path for path in found if path.is_file()), None)

    def tokenizer_is_there(self, search: Sequence[Path] = ()) -> bool:
        """Say whether the target's tokenizer file can be found on this machine."""
        return self.tokenizer_path(search) is not None


def find_target(name: str, tokenizer: Path | None = None) -> Target:
    """Return the target of `configs/targets/{name}.yaml`, or of the YAML file at the path `name`.

    `tokenizer` replaces the file's own. Where the tokenizer file is there, the target carries its digest; a hub id
    at a revision is fetched when no cache has it. Raises ConfigError, InputError.
    """
    known = sorted(path.stem for path in TARGETS.glob("*.yaml"))
    path = TARGETS / f"{name}.yaml" if name in known else Path(name)
    if not path.is_file():
        raise ConfigError(f"target {name!r}: there is no such file; the targets are {', '.join(known)}")
    try:
        values = dict(YAML(typ="safe").load(path.read_text(encoding="utf-8")))
        if tokenizer is not None:
            values |= {"tokenizer": str(tokenizer), "revision": None}
        target = Target.model_validate(values)
    except (YAMLError, ValidationError, TypeError, ValueError, OSError) as error:
        raise ConfigError(f"{path}: not a target: {error}") from error
    found = target.tokenizer_path()
    if found is None and target.tokenizer and target.revision:
        found = fetch_tokenizer(target.tokenizer, target.revision)
    if found is None:
        return target
    digest = sha256_bytes(_read(found))
    _check_digest(target, digest, found)
    return target.model_copy(update={"tokenizer": str(found), "revision": None, "tokenizer_sha256": digest})


def load_tokenizer(target: Target, search: Sequence[Path] = ()) -> Tokenizer:
    """Return the target's tokenizer, checked against it. Raises InputError (absent) or ConfigError (another one)."""
    path = target.tokenizer_path(search)
    if path is None:
        hub = (
            f" (hf download {target.tokenizer} tokenizer.json --revision {target.revision})" if target.revision else ""
        )
        looked = ", ".join(str(folder) for folder in (Path.cwd(), *search, *_default_search()))
        raise InputError(f"target {target.name}: no tokenizer file {target.tokenizer}{hub}; looked in {looked}")
    _check_digest(target, sha256_bytes(_read(path)), path)
    try:
        tokenizer = load_tokenizer_bytes(read_tokenizer(path), target.ordinary)
    except InputError as error:
        raise InputError(f"target {target.name}: {path}: {error}; put the model's own file there") from error
    check_tokenizer(tokenizer, target, str(path))
    return tokenizer


def read_tokenizer(path: Path) -> bytes:
    """Return the tokenizer.json of a target's file, which may be a SentencePiece model. Raises InputError."""
    data = _read(path)
    return tokenizer_json(read_sentencepiece(data)) if path.suffix in SENTENCEPIECE else data


def load_tokenizer_bytes(data: bytes, ordinary: Sequence[str] = ()) -> Tokenizer:
    """Return the tokenizer of a tokenizer.json that encodes text alone: no marks, no truncation, no padding.

    Every added token but white space and `ordinary` counts as special, and special tokens in text are encoded as
    text; so also `<tool_call>` and others that their own file does not call special. Raises InputError.
    """
    try:
        tree = orjson.loads(data)
        tree |= {"post_processor": None, "truncation": None, "padding": None}
        for token in tree["added_tokens"]:
            token["special"] = token["content"].strip(_SPACE) != "" and token["content"] not in ordinary
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(f"not a tokenizer.json ({len(data)} bytes): {error!r}") from error
    # the library raises nothing narrower than Exception
    loaded = attempt(Tokenizer.from_str, orjson.dumps(tree).decode())
    if loaded.value is None:
        raise InputError(f"not a tokenizer.json ({len(data)} bytes): {loaded.error}")
    loaded.value.encode_special_tokens = True
    return loaded.value


def control_ids(tokenizer: Tokenizer) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the ids of all control tokens, ascending; none of them may come out of a text."""
    added = tokenizer.get_added_tokens_decoder()
    return np.array(sorted(number for number, token in added.items() if token.special), dtype=np.int64)


def check_tokenizer(tokenizer: Tokenizer, target: Target, where: str) -> None:
    """Raise ConfigError unless the tokenizer has the target's vocabulary, control ids and answers to its probes."""
    size = tokenizer.get_vocab_size()
    if size > target.vocabulary:
        raise ConfigError(f"{where}: has {size} tokens, target {target.name} has room for {target.vocabulary}")
    for token, number in target.control.items():
        if tokenizer.token_to_id(token) != number:
            raise ConfigError(
                f"{where}: {token} is {tokenizer.token_to_id(token)}, target {target.name} needs {number}"
            )
    for text, ids in target.probes.items():
        got = tuple(tokenizer.encode(text, add_special_tokens=False).ids)
        if got != ids:
            raise ConfigError(f"{where}: gives {got} for {text!r}, target {target.name} needs {ids}: another tokenizer")


def train_bpe(texts: Iterator[str], vocab_size: int) -> bytes:
    """Return the tokenizer.json of a byte-level BPE with BOS 0, EOS 1 and pad 2, learned from `texts`.

    The same texts in the same order give the same bytes, whatever the number of threads: counts are sums, and
    merges of equal count are taken in the order of their ids.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in DEMO_TOKENS],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return str(tokenizer.to_str()).encode()


def _default_search() -> tuple[Path, ...]:
    data = os.environ.get("MEDMIX_DATA")
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    return (*([Path(data) / "tokenizers"] if data else []), home / "hub")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the tokenizer file cannot be read: {error}") from error


def _check_digest(target: Target, digest: str, path: Path) -> None:
    if target.tokenizer_sha256 not in (None, digest):
        raise ConfigError(f"{path}: sha256 is {digest}, target {target.name} is pinned to {target.tokenizer_sha256}")
