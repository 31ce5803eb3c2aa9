"""Files come to a hub or a folder whole, once, in an order that may be broken off anywhere."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.hub.repository import Repository
from fakes.hub.server import Hub, hub_on_loopback
from hub_uploads import REPO, release, sent, use_hub

from pipelines.engine.errors import ConfigError, InputError, StorageError
from pipelines.engine.hub_upload import HubTarget, Sent
from pipelines.engine.url_upload import UrlTarget
from pipelines.publish.send import send


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    with hub_on_loopback() as served:
        use_hub(monkeypatch, served, tmp_path / "hf")
        yield served


def bring(files: list[Sent], tag: str = "v1", *, private: bool = True) -> list[str]:
    told: list[str] = []
    target = HubTarget(REPO)
    target.create(private=private)
    send(target, files, tag, told.append)
    return told


def repository(hub: Hub) -> Repository:
    return hub.repositories["dataset", REPO]


def held(hub: Hub, name: str = "main") -> dict[str, bytes]:
    return {path: body for path, body in repository(hub).commits[repository(hub).names[name]].items() if path[0] != "."}


def bodies(files: list[Sent]) -> dict[str, bytes]:
    return {one.path: one.file.read_bytes() for one in files}


def test_a_release_comes_one_part_a_commit_and_the_card_last(hub: Hub, tmp_path: Path) -> None:
    files = release(tmp_path)
    bring(files)
    assert held(hub) == held(hub, "v1") == bodies(files)
    assert [paths for _, paths in hub.store.commits] == [
        *([one.path] for one in files[:5]),
        ["README.md", "ATTRIBUTION.tsv"],
    ]
    assert set(hub.store.taken.values()) == {1}
    assert repository(hub).private


def test_what_is_there_is_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    files = release(tmp_path)
    bring(files)
    commits, asked = len(hub.store.commits), len(hub.asked)
    assert bring(files) == ["5 of 5 parts are there already"]
    assert len(hub.store.commits) == commits
    assert not [one for one in hub.asked[asked:] if one.path.startswith("/blobs/")]


def test_a_later_release_removes_the_parts_of_the_one_before_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    first = release(tmp_path)
    bring(first)
    hub.store.commit(repository(hub), "main", [{"key": "header", "value": {"summary": "by hand"}},
        {"key": "file", "value": {"path": "figure.svg", "content": ""}}])  # fmt: skip
    second = [*release(tmp_path, "# second\n", of=3)[:2], *release(tmp_path, "# second\n")[5:]]
    bring(second, "v2")
    assert held(hub, "v2") == {**bodies(second), "figure.svg": b""}
    assert held(hub, "v1") == bodies(release(tmp_path))


@pytest.mark.parametrize("fault", [-1, -1500, 500, 503])
def test_a_part_that_breaks_off_comes_whole_in_the_end(hub: Hub, tmp_path: Path, fault: int) -> None:
    hub.faults["blob"] = [fault, fault]
    files = release(tmp_path)
    bring(files)
    assert held(hub) == bodies(files)
    assert set(hub.store.taken.values()) == {1}


@pytest.mark.parametrize("fault", [-1, 500, 503])
def test_a_commit_without_an_answer_is_made_once(hub: Hub, tmp_path: Path, fault: int) -> None:
    hub.faults["commit"] = [fault, fault]
    files = release(tmp_path)
    bring(files)
    assert held(hub) == bodies(files)
    added = [path for _, paths in hub.store.commits for path in paths]
    assert sorted(added) == sorted(bodies(files))


def test_a_tag_never_moves(hub: Hub, tmp_path: Path) -> None:
    bring(release(tmp_path))
    with pytest.raises(InputError, match="v1 stands for"):
        bring(release(tmp_path, "# other words\n"))


def test_without_the_right_token_nothing_is_made(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(InputError, match="HF_TOKEN"):
        bring(release(tmp_path))
    assert hub.repositories == {}


def test_a_hub_that_stays_broken_is_told(hub: Hub, tmp_path: Path) -> None:
    hub.faults["commit"] = [503] * 50
    with pytest.raises(InputError, match="try again later"):
        bring(release(tmp_path))


def test_readers_may_have_to_ask(hub: Hub, tmp_path: Path) -> None:
    bring(release(tmp_path), private=False)
    HubTarget(REPO).gate("manual")
    assert repository(hub).settings == {"gated": "manual"}
    assert not repository(hub).private


def test_a_folder_holds_the_same(tmp_path: Path) -> None:
    first, second = release(tmp_path), release(tmp_path, "# second\n", of=3)
    target = tmp_path / "there"
    told: list[str] = []
    for files in (first, first, second):
        send(UrlTarget(f"file://{target}"), files, "v1", told.append)
        found = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*") if path.is_file()}
        assert found == bodies(files)
    assert "4 of 5 parts are there already" in told


def test_half_a_part_in_a_folder_is_written_again(tmp_path: Path) -> None:
    files = release(tmp_path)
    target = tmp_path / "there" / files[1].path
    target.parent.mkdir(parents=True)
    target.write_bytes(files[1].file.read_bytes()[:100])
    send(UrlTarget(str(tmp_path / "there")), files, "v1", lambda line: None)
    assert target.read_bytes() == files[1].file.read_bytes()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        UrlTarget("nowhere://x")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="run again"):
        send(UrlTarget(f"{tmp_path}/file/x"), [sent(tmp_path, "README.md", b"x")], "v1", lambda line: None)
