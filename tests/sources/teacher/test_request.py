"""The key of a request: the same for the same question anywhere, another for every change of it."""

from dataclasses import replace

import pytest

from pipelines.engine.secrets import redact
from sources.document import TEACHER_TYPE
from sources.teacher.request import Attempt, Request, make_request, prompt_name, teacher_column
from sources.teacher.settings import Sampling, TeacherSettings

TEACHER = TeacherSettings(model="m", revision="1")
REQUEST = Request(
    model="m",
    revision="1",
    messages=(("system", "s"), ("user", "5 µg, CD4 <200")),
    sampling=Sampling(),
    seed=7,
    prompt=prompt_name("mcq", 1, "text"),
    schema={"type": "object"},
)
CHANGES: list[dict[str, object]] = [
    {"model": "n"},
    {"revision": "2"},
    {"messages": (("user", "s"), ("user", "5 µg, CD4 <200"))},
    {"messages": (("system", "s"), ("user", "5 mg, CD4 <200"))},
    {"sampling": Sampling(temperature=0.71)},
    {"sampling": Sampling(top_p=0.9)},
    {"sampling": Sampling(max_tokens=1025)},
    {"sampling": Sampling(stop=("x",))},
    {"seed": 8},
    {"prompt": prompt_name("mcq", 2, "text")},
    {"prompt": prompt_name("mcq", 1, "texts")},
    {"sample": 1},
    {"schema": None},
    {"schema": {"type": "array"}},
]


def test_the_key_is_pinned() -> None:
    assert REQUEST.key == replace(REQUEST).key == "4a026390a84b9a6e51b6b68d9d876e4c38e0a5633dc72e1fa16ff2a298246679"


@pytest.mark.parametrize("change", CHANGES, ids=[next(iter(change)) for change in CHANGES])
def test_every_part_decides_the_key(change: dict[str, object]) -> None:
    assert replace(REQUEST, **change).key != REQUEST.key  # type: ignore[arg-type]


def test_where_and_how_hard_decides_nothing() -> None:
    moved = TeacherSettings.model_validate(
        {"url": "http://node:1/v1", "model": "m", "revision": "1", "limits": {"tries": 2}, "price": {"prompt": 3}}
    )
    here, there = (make_request(one, [("user", "q")], Attempt(3, "doc"), prompt="p") for one in (TEACHER, moved))
    assert here == there
    assert here.key == there.key
    assert moved.identity() == TEACHER.identity()


def test_attempts_have_seeds_of_their_own_that_a_signed_32_bit_integer_holds() -> None:
    attempts = [Attempt(seed, item, sample) for seed in range(5) for item in ("a", "b") for sample in range(5)]
    seeds = [make_request(TEACHER, [("user", "q")], attempt, prompt="p").seed for attempt in attempts]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 1 << 31 for seed in seeds)


def test_the_teacher_column_has_the_fields_of_the_record() -> None:
    column = teacher_column(REQUEST)
    assert list(column) == [TEACHER_TYPE.field(n).name for n in range(TEACHER_TYPE.num_fields)]
    assert column["sampling"] == "max_tokens=1024, seed=7, stop=[], temperature=0.7, top_p=1.0"


@pytest.mark.parametrize("url", ["ftp://x/v1", "http://user:pass@x/v1", "https://x/v1?key=abc", "x/v1", "http://"])
def test_an_address_that_could_hold_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="plain address") as caught:
        TeacherSettings(url=url, model="m", revision="1")
    assert "pass" not in str(caught.value.errors()[0]["msg"])  # type: ignore[attr-defined]


def test_the_variable_of_the_key_is_one_that_redaction_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="does not name a secret"):
        TeacherSettings(model="m", revision="1", key_env="HOME")
    monkeypatch.setenv("TEACHER_KEY", "canary-of-the-teacher")
    assert TeacherSettings(model="m", revision="1", key_env="TEACHER_KEY").key_env == "TEACHER_KEY"
    assert "canary" not in redact("sent canary-of-the-teacher")
