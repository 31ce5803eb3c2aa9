"""The command line as a whole: how it ends."""

import sys

import pytest

from pipelines import load
from pipelines.cli import main


@pytest.mark.parametrize("words", [["run", "x.yaml"], ["sources", "fetch", "x.yaml"]])
def test_ctrl_c_is_told_in_one_line(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, "load_run", interrupted)
    monkeypatch.setattr(sys, "argv", ["medmix", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "medmix: stopped; what was finished is kept, run again to go on\n"


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["plan"], 2), (["sources", "show", "nobody-at-all"], 2)])
def test_other_ends_keep_their_code(words: list[str], code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["medmix", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
