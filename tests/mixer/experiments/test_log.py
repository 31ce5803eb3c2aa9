"""The log keeps every answer, tells the same one once, and shows when a line was changed or taken out."""

import pytest

from mixer.experiments.log import appended, read_log
from pipelines.engine.errors import CorruptionError

BAD = {"question": "How much replay?", "verdict": "the proposal is not different from natural beyond noise"}
GOOD = {"question": "How much replay?", "verdict": "the proposal is better than natural"}


def test_a_bad_answer_stays_beside_a_later_good_one() -> None:
    log = appended(appended(b"", BAD), GOOD)
    assert [record["verdict"] for record in read_log(log)] == [BAD["verdict"], GOOD["verdict"]]
    assert log.startswith(appended(b"", BAD))


def test_the_same_answer_is_told_once() -> None:
    log = appended(appended(b"", BAD), GOOD)
    assert appended(log, GOOD) == log
    assert len(read_log(appended(log, BAD))) == 3, "an answer that comes back is a new line"


@pytest.mark.parametrize("line", [0, 1])
def test_a_line_that_was_changed_or_taken_out_is_seen(line: int) -> None:
    log = appended(appended(appended(b"", BAD), GOOD), BAD)
    lines = log.splitlines(keepends=True)
    with pytest.raises(CorruptionError, match="was changed or taken out"):
        read_log(b"".join(lines[:line] + lines[line + 1 :]))
    changed = lines[line].replace(b"How much", b"How many")
    with pytest.raises(CorruptionError, match="was changed or taken out"):
        appended(b"".join([*lines[:line], changed, *lines[line + 1 :]]), GOOD)
