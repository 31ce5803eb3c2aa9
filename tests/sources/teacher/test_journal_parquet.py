"""A journal's answers as one Parquet file: the same bytes for the same answers, taken in without changing what is."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine.errors import CorruptionError
from sources.teacher.journal import Journal, Spent
from sources.teacher.journal_parquet import export, take_in
from sources.teacher.request import Answer

ANSWERS = [
    Answer(
        key="b", outcome="ok", text="5 µg\n", reasoning="r", served="m", prompt_tokens=3, completion_tokens=2, cost=0.3
    ),
    Answer(key="a", outcome="exhausted", reason="HTTP 503", tries=6),
    Answer(key="c", outcome="truncated", text="cut", finish_reason="length"),
]


def journal_of(path: Path, answers: list[Answer]) -> Journal:
    journal = Journal(path)
    for answer in answers:
        journal.write_asked(answer.key, "run", 10)
        journal.write_answer(answer, "run")
    return journal


def test_what_goes_out_comes_in(tmp_path: Path) -> None:
    assert export(journal_of(tmp_path / "one", ANSWERS), tmp_path / "out" / "answers.parquet") == 3
    journal = Journal(tmp_path / "two")
    assert take_in(journal, tmp_path / "out" / "answers.parquet") == 3
    assert take_in(journal, tmp_path / "out" / "answers.parquet") == 0
    assert list(Journal(tmp_path / "two").answers()) == sorted(ANSWERS, key=lambda answer: answer.key)
    assert journal.spent("run") == Spent()


def test_the_order_of_writing_changes_no_byte(tmp_path: Path) -> None:
    for name, answers in (("one", ANSWERS), ("two", ANSWERS[::-1])):
        export(journal_of(tmp_path / name, answers), tmp_path / f"{name}.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_what_is_there_stays_and_failures_give_way(tmp_path: Path) -> None:
    export(journal_of(tmp_path / "one", ANSWERS), tmp_path / "answers.parquet")
    mine = [Answer(key="a", outcome="ok", text="mine"), Answer(key="b", outcome="ambiguous")]
    journal = journal_of(tmp_path / "two", mine)
    assert take_in(journal, tmp_path / "answers.parquet") == 2
    assert [answer.text for answer in journal.answers()] == ["mine", "5 µg\n", "cut"]


def test_other_and_damaged_files_are_refused(tmp_path: Path) -> None:
    journal, path = Journal(tmp_path / "one"), tmp_path / "answers.parquet"
    pq.write_table(pa.table({"key": ["a"]}), path)
    with pytest.raises(CorruptionError, match="holds no answers"):
        take_in(journal, path)
    export(journal_of(tmp_path / "two", ANSWERS), path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CorruptionError, match="cannot be read"):
        take_in(journal, path)
    export(journal_of(tmp_path / "three", [Answer(key="a", outcome="maybe")]), path)  # type: ignore[arg-type]
    with pytest.raises(CorruptionError, match="'maybe' is no outcome"):
        take_in(journal, path)
    assert len(journal) == 0
