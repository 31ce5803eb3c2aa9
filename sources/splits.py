"""The rule of official splits: questions of a test or validation split are never trained on.

A set of questions says by its options which split its files are, or each row says so. What is not a training split by
its name is loaded only as a reference for decontamination, and so is what names no split at all: a set without a
published train split has nothing to train on. A source that declares another split and asks for training is refused
when the plan is made. Not here: comparing texts with the reference.
"""

import re
from typing import Any

from pipelines.engine.errors import ConfigError
from sources.catalog import SourceConfig

_TRAIN = re.compile(r"(?<![a-z])train(?:ing)?(?:[ _-]?set)?(?![a-z])")
_HELD_OUT = re.compile(r"test|dev|val|eval|hold|held")
RULE = "questions of an official test or validation split are loaded only as a reference for decontamination"


def is_training_split(name: str) -> bool:
    """Say whether a split is for training by its name: `train`, `train-00000`; not `test`, `dev` or `train_test`."""
    low = name.lower()
    return _TRAIN.search(low) is not None and _HELD_OUT.search(_TRAIN.sub("", low)) is None


def check_split(config: SourceConfig) -> None:
    """Raise ConfigError when a source declares a split that is not for training and is not `reference_only`."""
    declared = config.options.get("split")
    if config.parser != "mcq" or config.reference_only or declared is None or is_training_split(str(declared)):
        return
    raise ConfigError(
        f"source {config.name}: options.split: {declared!r} is no training split, and the rule is that {RULE}; "
        "set `reference_only: true`, or name the files of the train split and set `split: train`"
    )


def split_note(config: SourceConfig) -> str | None:
    """Return what to tell of a source of questions that names no split anywhere, so that none will be trained on."""
    named = config.reference_only or "split" in config.options or "split" in config.options.get("fields", {})
    if config.parser != "mcq" or named:
        return None
    return (
        f"source {config.name} names no split, so its questions are for reference only: {RULE}; set `split: train` "
        "in its options when these are the published training files"
    )


def reference_reason(mcq: dict[str, Any] | None) -> str | None:
    """Return why a question is for reference only by its own split, None for one to train on and for other texts."""
    if mcq is None:
        return None
    split = str(mcq.get("split") or "")
    if not split:
        return "no split is named, and a set without a train split is for reference only"
    return None if is_training_split(split) else f"official split {split!r}: {RULE}"
