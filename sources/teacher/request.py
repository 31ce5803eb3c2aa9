"""What is asked of a teacher, and what came back: two records, and the key that ties them.

The key is the digest of everything that decides an answer: model, revision, messages, every sampling parameter, the
schema, the prompt file, the number of the sample and its seed. Where the model is served decides nothing. So an answer
is found again by what was asked, in any run and at any endpoint, and never by its place in a list. Not here: prompts
and their rendering, and judging an answer's content.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from pipelines.engine.hashing import derive_seed, digest, sha256_bytes
from sources.teacher.settings import Sampling, TeacherSettings

Outcome = Literal["ok", "truncated", "invalid", "refused", "permanent", "exhausted", "ambiguous"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)
FAILURES = frozenset({"permanent", "exhausted", "ambiguous"})
"""Outcomes without anything from the model; a later answer to the same request takes their place."""
_SEED_BITS = 31
"""Some servers keep seeds in a signed 32-bit integer."""


class Attempt(NamedTuple):
    """Which attempt this is: the recorded seed of the run, the id of the item, and a number from 0."""

    seed: int
    item: str
    sample: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of a chat model for one answer. `messages` are (role, content); `schema` is a JSON schema or None.

    `prompt` names the prompt file as `prompt_name` writes it; `sample` counts the attempts at one item from 0.
    """

    model: str
    revision: str
    messages: tuple[tuple[str, str], ...]
    sampling: Sampling
    seed: int
    prompt: str
    sample: int = 0
    schema: Mapping[str, Any] | None = None
    key: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the key once: 64 hex digits."""
        asked = {name: getattr(self, name) for name in ("model", "revision", "seed", "prompt", "sample", "schema")}
        messages = [list(message) for message in self.messages]
        whole = {**asked, "messages": messages, "sampling": self.sampling.identity()}
        object.__setattr__(self, "key", digest(whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a request: exactly one outcome, kept for good.

    ok         a whole answer; if a schema was asked for, `text` is JSON (whether it fits the schema, the asker checks)
    truncated  cut at `max_tokens`
    invalid    the server answered with something else: no JSON, no choice, another model (`reason` says)
    refused    the model or its host declined
    permanent  the server will never take this request (HTTP 400 and the like)
    exhausted  every try failed in a way that costs nothing
    ambiguous  every try failed, and at least one may have been computed and charged

    `served` is the model that the server says it is; `cost` is in the currency of the prices in the settings; `tries`
    counts HTTP requests.
    """

    key: str
    outcome: Outcome
    text: str = ""
    reasoning: str = ""
    reason: str = ""
    finish_reason: str = ""
    served: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    tries: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


def make_request(
    teacher: TeacherSettings,
    messages: Iterable[tuple[str, str]],
    attempt: Attempt,
    *,
    prompt: str,
    schema: Mapping[str, Any] | None = None,
) -> Request:
    """Return the request for one attempt at an item.

    The seed that the server gets comes from the attempt alone, so attempts differ and runs repeat.
    """
    return Request(
        model=teacher.model,
        revision=teacher.revision,
        messages=tuple(messages),
        sampling=teacher.sampling,
        seed=derive_seed("teacher", attempt.seed, attempt.item, attempt.sample) % (1 << _SEED_BITS),
        prompt=prompt,
        sample=attempt.sample,
        schema=schema,
    )


def prompt_name(name: str, version: int, text: str) -> str:
    """Return how a prompt file is known in keys and records: `name@version:` and 16 hex digits of its sha256."""
    return f"{name}@{version}:{sha256_bytes(text.encode())[:16]}"


def teacher_column(request: Request) -> dict[str, Any]:
    """Return a document's `teacher` value (`sources.document.TEACHER_TYPE`) for text made by this request."""
    sampling = {**request.sampling.identity(), "seed": request.seed}
    written = ", ".join(f"{name}={value}" for name, value in sorted(sampling.items()))
    return {
        "model": request.model,
        "revision": request.revision,
        "prompt": request.prompt,
        "sampling": written,
        "attempt": request.sample,
    }
