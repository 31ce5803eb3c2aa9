"""The journal: what was written is there again, whoever wrote it, and damage is never taken for an answer."""

import random
from pathlib import Path

import pytest

from pipelines.engine.errors import CorruptionError
from sources.teacher.journal import Journal, Spent
from sources.teacher.request import Answer


def answer(key: str, **fields: object) -> Answer:
    return Answer(**{"key": key, "outcome": "ok", "text": f"réponse à {key}\n", **fields})  # type: ignore[arg-type]


def test_an_answer_is_found_by_every_later_reader(tmp_path: Path) -> None:
    kept = answer("a", reasoning="r", served="m", prompt_tokens=3, completion_tokens=5, cost=0.1 + 0.2, tries=2)
    journal = Journal(tmp_path)
    journal.write_asked("a", "run", 100)
    journal.write_answer(kept, "run")
    journal.close()
    for reader in (journal, Journal(tmp_path)):
        assert (reader.answer("a"), reader.answer("b")) == (kept, None)
        assert (len(reader), "a" in reader, reader.keys()) == (1, True, ["a"])
        assert reader.spent("run") == Spent(8, kept.cost)
        assert reader.spent("other") == Spent()


def test_each_writer_has_a_segment_of_its_own_and_all_see_each_other(tmp_path: Path) -> None:
    writers = [Journal(tmp_path) for _ in range(4)]
    for number, writer in enumerate(writers):
        writer.write_answer(answer(f"k{number}"), "run")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"00000{n}.jsonl" for n in range(4)]
    for writer in writers:
        writer.refresh()
        assert writer.keys() == ["k0", "k1", "k2", "k3"]
    writers[0].write_answer(answer("late"), "run")
    writers[1].refresh()
    assert "late" in writers[1]


def test_calls_in_flight_at_a_kill_are_listed_and_no_others(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for key in ("answered", "refused-at-the-door", "lost", "in-flight"):
        journal.write_asked(key, "run", 10)
    journal.write_answer(answer("answered", prompt_tokens=1), "run")
    journal.write_failed("refused-at-the-door", "HTTP 429", paid=False)
    journal.write_failed("lost", "the connection broke", paid=True)
    doubts = Journal(tmp_path).doubts()
    assert [(doubt.key, doubt.reason) for doubt in doubts] == [
        ("in-flight", "killed"),
        ("lost", "the connection broke"),
    ]
    assert Journal(tmp_path).spent("run") == Spent(1 + 10 + 10, 0.0)


def test_a_torn_last_line_is_as_if_never_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write_answer(answer("a"), "run")
    journal.write_answer(answer("b"), "run")
    journal.close()
    data = (tmp_path / "000000.jsonl").read_bytes()
    first = data.index(b"\n") + 1
    for size in range(first, len(data) - 1):
        (tmp_path / "000000.jsonl").write_bytes(data[:size])
        assert Journal(tmp_path).keys() == ["a"], size


def test_any_flipped_bit_is_seen(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(5):
        journal.write_asked(f"k{number}", "run", 10)
        journal.write_answer(answer(f"k{number}"), "run")
    journal.close()
    data = (tmp_path / "000000.jsonl").read_bytes()
    draw = random.Random(1)
    places = [draw.randrange(len(data) * 8) for _ in range(300)] + [len(data) * 8 - bit for bit in range(1, 9)]
    for place in places:
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        (tmp_path / "000000.jsonl").write_bytes(flipped)
        with pytest.raises(CorruptionError, match="paid for, again"):
            Journal(tmp_path)


def test_an_answer_takes_the_place_of_a_failure_and_never_the_other_way_round(tmp_path: Path) -> None:
    early, late = Journal(tmp_path), Journal(tmp_path)
    early.write_answer(answer("a", outcome="exhausted"), "run")
    early.write_answer(answer("b", text="first"), "run")
    late.write_answer(answer("a", text="had"), "run")
    late.write_answer(answer("b", text="second"), "run")
    late.write_answer(answer("c", text="had"), "run")
    early.write_answer(answer("c", outcome="ambiguous"), "run")
    for journal in (Journal(tmp_path), early, late):
        journal.refresh()
        assert [journal.answer(key).text for key in "abc"] == ["had", "first", "had"]  # type: ignore[union-attr]
