"""What a run says of itself: unknown licences that its profile let in, and a refusal that undoes nothing."""

from pathlib import Path

import pytest

from pipelines.engine.errors import InputError
from pipelines.engine.events import read_status
from pipelines.load import load_run
from pipelines.run import How, run

INLINE = How(inline=True, live=False)
RUN_FILE = """
name: small
out: {folder}/out
seed: 1
sources:
  - {{name: mute, kind: guideline, path: {folder}/mute}}
  - {{name: open, kind: guideline, path: {folder}/open, rights: {{spdx: CC-BY-4.0}}}}
stages:
  - {{kind: consolidate}}
"""


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    for name in ("mute", "open"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.txt").write_text(f"Give {number + 1} mg of {name} every 6 hours.\n")
    path = tmp_path / "run.yaml"
    path.write_text(RUN_FILE.format(folder=tmp_path))
    return path


def test_a_run_counts_the_documents_that_no_licence_lets_in(run_file: Path) -> None:
    [note] = run(load_run(run_file), INLINE).notes
    assert note.startswith(
        "2 of 4 kept documents have no licence that is known to allow training; the profile research-"
    )
    assert run(load_run(run_file), INLINE).notes == [note]
    assert run(load_run(run_file, ["profile=open"]), INLINE).notes == []


def test_a_finished_run_stays_done_when_a_later_one_is_refused(run_file: Path, tmp_path: Path) -> None:
    run(load_run(run_file), INLINE)
    with pytest.raises(InputError, match="none matches"):
        run(load_run(run_file, ["sources.0.include=['*.pdf']"]), INLINE)
    status = read_status(tmp_path / "out")
    assert (status.state, status.error) == ("done", "")
    assert "none matches" in status.notes[-1]
    assert {stage.state for stage in status.stages.values()} == {"done"}


EXCHANGES = ("boilerplate", "dedup_exact", "abstracts", "versions", "dedup_near", "domains", "rights_gate")


def test_a_run_of_which_nothing_could_be_read_tells_so(run_file: Path, tmp_path: Path) -> None:
    for path in (*tmp_path.glob("mute/*"), *tmp_path.glob("open/*")):
        path.write_bytes(b"")
    stages = f"stages=[{', '.join(f'{{kind: {kind}}}' for kind in (*EXCHANGES, 'consolidate'))}]"
    run(load_run(run_file, [stages, "max_quarantined=1"]), INLINE)
    assert read_status(tmp_path / "out").state == "done"


def test_a_run_that_its_user_stops_is_no_defect(
    run_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.run.run_stages", stop)
    with pytest.raises(KeyboardInterrupt):
        run(load_run(run_file), INLINE)
    status = read_status(tmp_path / "out")
    assert (status.state, status.error) == ("failed", "stopped by whoever ran it; run again to go on")
