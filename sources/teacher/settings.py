"""The run file's `teacher:`: which model, how it samples, where it is served, and what it may cost.

Only what decides an answer decides bytes; the address, limits, prices and budget do not. A key is never written in a
run file: `key_env` names the environment variable that holds it. Not here: reading the key (`client`).
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pipelines.engine.secrets import is_secret_name, redact_url
from pipelines.engine.settings import BYTES, SPEED, Misplaced, Settings

_URL = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


class Sampling(Settings):
    """How tokens are drawn; the seed is not here, because each attempt has its own."""

    temperature: Annotated[float, Field(ge=0, le=2), BYTES] = 0.7
    top_p: Annotated[float, Field(gt=0, le=1), BYTES] = 1.0
    max_tokens: Annotated[int, Field(ge=1), BYTES] = 1024
    stop: Annotated[tuple[str, ...], Field(max_length=4), BYTES] = ()


class Limits(Settings):
    """How hard the endpoint may be used, by all workers together, and how long a call is tried."""

    concurrency: Annotated[int, Field(ge=1), SPEED] = 64
    """Most calls in flight."""
    requests_per_minute: Annotated[int | None, Field(ge=1), SPEED] = None
    tokens_per_minute: Annotated[int | None, Field(ge=1), SPEED] = None
    """Of prompts and completions; a call is charged at its most until its usage is known."""
    tries: Annotated[int, Field(ge=1), SPEED] = 6
    timeout_s: Annotated[float, Field(gt=0), SPEED] = 300
    """For one try, from connecting to the last byte."""
    deadline_s: Annotated[float, Field(gt=0), SPEED] = 1800
    """For all tries of a call and the waits between them, counted from the first try."""
    backoff_s: Annotated[float, Field(gt=0), SPEED] = 1.0
    """The wait before a second try is drawn from 0 to this; it doubles with each try, ..."""
    longest_backoff_s: Annotated[float, Field(gt=0), SPEED] = 60
    """... up to this. A server's Retry-After is obeyed beyond it."""
    outage_failures: Annotated[int, Field(ge=1), SPEED] = 20
    """So many failures in a row, whatever the call, pause all calls but one, ..."""
    outage_s: Annotated[float, Field(gt=0), SPEED] = 600
    """... and after so long without a single answer the run stops."""


class Price(Settings):
    """Money for a million tokens, in one currency of your choice."""

    prompt: Annotated[float, Field(ge=0), SPEED] = 0.0
    completion: Annotated[float, Field(ge=0), SPEED] = 0.0


class Budget(Settings):
    """What a run may spend, kills and resumes included; it stops cleanly, at most the calls in flight beyond it."""

    tokens: Annotated[int | None, Field(ge=0), SPEED] = None
    money: Annotated[float | None, Field(ge=0), SPEED] = None


class Serve(Settings):
    """A server of our own, started for the run from an environment apart and stopped at its end."""

    engine: Annotated[Literal["vllm", "xllamacpp"], SPEED]
    """vLLM on GPUs, or llama.cpp through xllamacpp on whatever there is."""
    model: Annotated[str, Field(min_length=1), SPEED]
    """What the engine loads: for vLLM a folder or a name on the hub, for xllamacpp a GGUF file."""
    environment: Annotated[str | None, SPEED] = None
    """Folder of the environment that has the engine; none: `vllm` on the PATH, or xllamacpp beside medmix."""
    gpus: Annotated[int, Field(ge=0), SPEED] = 1
    """So many GPUs hold one copy of the model (tensor parallelism). xllamacpp decides for itself."""
    options: Annotated[tuple[str, ...], SPEED] = ()
    """More arguments for `vllm serve`, such as --max-model-len."""
    start_s: Annotated[float, Field(gt=0), SPEED] = 1800
    """How long loading may take."""


class TeacherSettings(Settings):
    """The teacher of a run."""

    url: Annotated[str | None, SPEED] = None
    """Base address of an OpenAI-compatible API, as in http://127.0.0.1:8000/v1; without one the journal must know all
    answers."""
    model: Annotated[str, Field(min_length=1), BYTES]
    revision: Annotated[str, Field(min_length=1), BYTES]
    """Commit, release or date of the weights: whatever tells this model from the next one of that name."""
    key_env: Annotated[str | None, SPEED] = None
    """Environment variable that holds the API key, such as OPENAI_API_KEY; none is sent when this is not set."""
    sampling: Annotated[Sampling, BYTES] = Sampling()
    limits: Annotated[Limits, SPEED] = Limits()
    price: Annotated[Price, SPEED] = Price()
    budget: Annotated[Budget, SPEED] = Budget()

    serve: Annotated[Serve | None, SPEED] = None
    """Start a server instead of asking one at `url`."""

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not _URL.fullmatch(url) or redact_url(url) != url or "@" in url:
            shown = redact_url(url)
            raise ValueError(f"{shown!r} is no plain address; write http(s)://host[:port]/v1, without user and query")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _one_place(self) -> "TeacherSettings":
        if self.url is not None and self.serve is not None:
            raise Misplaced("`url` names a server that runs, `serve` one to be started; remove one of them", "serve")
        return self

    @field_validator("key_env")
    @classmethod
    def _secret(cls, name: str | None) -> str | None:
        """Refuse a name that the redaction of logs does not know as one of a secret."""
        if name is not None and not is_secret_name(name):
            raise ValueError(f"{name!r} does not name a secret; use a variable whose name ends in KEY or TOKEN")
        return name
