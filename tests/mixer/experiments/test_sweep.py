"""A sweep of six proxies: every one trained once, the same bits after kills and in any order, nothing else written."""

import multiprocessing
import random
import signal
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.child import sweep_and_die
from fakes.disk import FaultyDisk
from fakes.experiments import MIXTURES, FixedDesign, config, documents, given, tiny_sweep
from fakes.runs import Shuffled, digests, run_inline
from fakes.stages import Events

from mixer.experiments.evaluate import exam_of, excerpt
from mixer.experiments.rows import ProxyRows, Stock, stock_of
from mixer.experiments.settings import ProxyConfig
from mixer.experiments.split import _item_of
from mixer.experiments.stages import prepared, proxy_target
from mixer.experiments.sweep import collect
from mixer.experiments.table import Runs
from mixer.mixture import MixtureStage
from mixer.settings import MixtureConfig
from mixer.virtual import VirtualRows
from pipelines.engine.disk import LocalDisk
from pipelines.engine.driver import PlannedStage, run_stages
from pipelines.engine.manifest import Manifest
from pipelines.engine.runtime import InlineRuntime
from pipelines.engine.storage import Storage

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None,
    reason="PyTorch is not installed: pip install -e '.[train]'",
)
pytestmark = pytest.mark.filterwarnings("ignore")
PROCESSES = multiprocessing.get_context("forkserver")
SIZES = [1693, 1931, 1293]
OPERATIONS: list[int] = []
"""How many operations on the disk a whole sweep takes."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("in")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> tuple[LocalDisk, dict[str, Manifest]]:
    disk = FaultyDisk(LocalDisk(tmp_path_factory.mktemp("whole")))
    manifests = run_inline(disk, tiny_sweep(inputs))
    OPERATIONS.append(len(disk.operations))
    return disk.disk, manifests


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> tuple[LocalDisk, dict[str, Manifest]]:
    disk = LocalDisk(tmp_path_factory.mktemp("ready"))
    return disk, run_inline(disk, prepared(config(), given(inputs)))


def table(disk: LocalDisk, manifest: Manifest, role: str = "main") -> pa.Table:
    return pa.concat_tables([pq.read_table(disk.root / ref.path) for ref in manifest.files(role)])


def runs_of(disk: LocalDisk, manifest: Manifest) -> Runs:
    return collect([pq.read_table(disk.root / ref.path) for ref in manifest.files()], "plan")


def tokens(disk: LocalDisk, manifests: dict[str, Manifest]) -> list[pa.Table]:
    paths = [disk.root / ref.path for ref in manifests["tokenize-demo"].files()]
    return [pa.ipc.open_stream(path.read_bytes()).read_all() for path in paths]


def stock(disk: LocalDisk, manifests: dict[str, Manifest], **changes: object) -> Stock:
    files = [
        pa.ipc.open_stream((disk.root / ref.path).read_bytes()).read_all() for ref in manifests["tokenize-demo"].files()
    ]
    return stock_of(files, config(**changes), proxy_target(config()), SIZES)


@needs_torch
def test_each_mixture_has_its_losses_and_more_of_a_component_is_better_for_it(
    done: tuple[LocalDisk, dict[str, Manifest]],
) -> None:
    runs = runs_of(done[0], done[1]["sweep"])
    assert runs.targets == ("general", "held-out/articles", "held-out/guidelines", "held-out/replay", "questions/test")
    assert np.array_equal(runs.weights, np.array(MIXTURES))
    guidelines, articles = runs.column("held-out/guidelines"), runs.column("held-out/articles")
    assert guidelines[0] < guidelines[1]
    assert articles[1] < articles[0]
    assert guidelines[3] != guidelines[4], "another seed gives another loss: that is the noise floor"
    assert np.array_equal(runs.column("general"), runs.column("held-out/replay"))
    steps = table(done[0], done[1]["sweep"], "trajectory").filter(pa.compute.field("what") == "target")["step"]
    assert set(steps.to_pylist()) == {3, 6}


@needs_torch
def test_the_order_of_proxies_and_those_that_are_there_change_no_byte(
    done: tuple[LocalDisk, dict[str, Manifest]], inputs: Path, tmp_path: Path
) -> None:
    disk = LocalDisk(tmp_path)
    run_inline(disk, tiny_sweep(inputs, FixedDesign(MIXTURES[:3])))
    events, storage = Events(), Storage(disk)
    run_stages(storage, tiny_sweep(inputs), lambda: Shuffled(InlineRuntime(storage), 5), events)
    trained = [one["shard"] for one in events.of("shard_done") if one["stage"] == "sweep"]
    assert sorted(trained) == ["run-0003", "run-0004", "run-0005"], "the first three were trained before"
    whole = digests(done[0])
    again = digests(disk)
    assert whole.items() <= again.items()
    left = {path for path in again.keys() - whole.keys() if "/manifest-" not in path and "design" not in path}
    assert not left


def check_kills(done: tuple[LocalDisk, dict[str, Manifest]], inputs: Path, folder: Path, kills: int) -> None:
    draw, disk = random.Random(kills), LocalDisk(folder)
    for _ in range(kills):
        at = draw.randrange(OPERATIONS[0] // 2, OPERATIONS[0])
        child = PROCESSES.Process(target=sweep_and_die, args=(str(folder), str(inputs), at))
        child.start()
        child.join()
        assert child.exitcode in (-signal.SIGKILL, 0)
    before = set(disk.list("stages/sweep@3/records"))
    events, storage = Events(), Storage(disk)
    run_stages(storage, tiny_sweep(inputs, proxy={"checkpoint_steps": 2}), lambda: InlineRuntime(storage), events)
    assert digests(disk) == digests(done[0])
    trained = [one for one in events.of("shard_done") if one["stage"] == "sweep"]
    assert len(trained) == len(MIXTURES) - len(before), "no proxy is trained twice"


@needs_torch
def test_kill_9_during_a_sweep_then_resume(
    done: tuple[LocalDisk, dict[str, Manifest]], inputs: Path, tmp_path: Path
) -> None:
    check_kills(done, inputs, tmp_path, kills=1)


@needs_torch
@pytest.mark.nightly
def test_kill_9_five_times_during_a_sweep(
    done: tuple[LocalDisk, dict[str, Manifest]], inputs: Path, tmp_path: Path
) -> None:
    check_kills(done, inputs, tmp_path, kills=5)


@needs_torch
def test_a_proxy_goes_on_from_its_checkpoint_to_the_same_bits(ready: tuple[LocalDisk, dict[str, Manifest]]) -> None:
    from mixer.experiments.proxy import train_proxy

    class Dying:
        """Keeps checkpoints, and dies after the second."""

        def __init__(self) -> None:
            self.kept: list[bytes] = []

        def read(self) -> bytes | None:
            return self.kept[-1] if self.kept else None

        def write(self, data: bytes) -> None:
            self.kept.append(data)
            if len(self.kept) == 2:
                raise KeyboardInterrupt

    disk, manifests = ready
    proxy = config(proxy={"checkpoint_steps": 2}).proxy
    rows = ProxyRows(stock(disk, manifests), (0.5, 0.3, 0.2), 6 * 8, 1)
    exam = exam_of(table(disk, manifests["evaluation"]), proxy_target(config()), 32)
    whole, scratch = train_proxy(rows, exam, proxy, 300, 1), Dying()
    with pytest.raises(KeyboardInterrupt):
        train_proxy(rows, exam, proxy, 300, 1, scratch)
    assert train_proxy(rows, exam, proxy, 300, 1, scratch) == whole
    assert max(step for step, _, _ in whole.losses) == 6


@needs_torch
def test_a_checkpoint_of_another_recipe_is_never_gone_on_from(inputs: Path, tmp_path: Path) -> None:
    pair = FixedDesign(MIXTURES[:2])
    recipes = [{"checkpoint_steps": 2, "learning_rate": rate} for rate in (0.01, 0.02)]
    both = LocalDisk(tmp_path / "both")
    first, second = (run_inline(both, tiny_sweep(inputs, pair, proxy=recipe))["sweep"] for recipe in recipes)
    assert len(both.list("scratch")) == 4, "the first recipe's are still there, as after a kill"
    alone = run_inline(LocalDisk(tmp_path / "alone"), tiny_sweep(inputs, pair, proxy=recipes[1]))["sweep"]
    assert [ref.sha256 for ref in second.files()] == [ref.sha256 for ref in alone.files()]
    assert [ref.sha256 for ref in first.files()] != [ref.sha256 for ref in second.files()]


@needs_torch
def test_a_narrow_proxy_learns_what_follows_what_and_not_only_how_often_it_comes(
    ready: tuple[LocalDisk, dict[str, Manifest]],
) -> None:
    from mixer.experiments.proxy import train_proxy

    disk, manifests = ready
    shape = {"width": 48, "layers": 2, "heads": 4, "batch_sequences": 4, "tokens": 32 * 4 * 60, "evaluations": 1}
    own = config(proxy={**shape, "learning_rate": ProxyConfig.model_fields["learning_rate"].default}, target_tokens=1)
    exam = exam_of(table(disk, manifests["evaluation"]), proxy_target(own), 32)
    rows = ProxyRows(stock(disk, manifests, target_tokens=1), (1, 0, 0), own.proxy.steps * 4, 1)
    found = train_proxy(rows, exam, own.proxy, 300, 1).final["held-out/guidelines"]
    mine = exam.members["held-out/guidelines"]
    labels = exam.labels[np.isin(exam.item, mine)]
    often = np.bincount(labels)[labels] / len(labels)
    by_frequency = -np.log2(often).sum() / exam.size_bytes[mine].sum()
    assert found < by_frequency / 2, "each word allows two that follow, of 13"


@pytest.mark.parametrize("document_tokens", [7, 20, 1000])
def test_a_long_document_judges_by_a_piece_of_it(inputs: Path, tmp_path: Path, document_tokens: int) -> None:
    own = config(held_out={"share": "0.2", "tokens": 60, "document_tokens": document_tokens})
    whole = {one.id: one.text for name in ("guidelines", "articles", "replay") for one in documents(name, 24)}
    disk = LocalDisk(tmp_path)
    manifests = run_inline(disk, prepared(own, given(inputs)))
    held = table(disk, manifests["held-out"])
    count = {name: held["component"].to_pylist().count(name) for name in ("guidelines", "articles", "replay")}
    assert count == {7: dict(count, guidelines=5, articles=4, replay=3), 20: dict.fromkeys(count, 3)}.get(
        document_tokens, dict.fromkeys(count, 1)
    ), "so many as 60 tokens allow, and one at least"
    items = table(disk, manifests["evaluation"])
    sizes = dict(zip(items["item"].to_pylist(), items["size_bytes"].to_pylist(), strict=True))
    for identity in held["id"].to_pylist():
        piece = excerpt(own, identity, whole[identity])
        assert piece in whole[identity]
        assert sizes[identity] == len(piece.encode()) == min(4 * document_tokens, len(whole[identity].encode()))


def test_a_piece_of_a_document_holds_whole_characters() -> None:
    own, text = config(held_out={"document_tokens": 3}), "µg≥10³ дети 儿童 " * 9
    pieces = {excerpt(own, str(number), text) for number in range(50)}
    assert all(piece in text and 6 < len(piece.encode()) <= 12 for piece in pieces)
    assert len(pieces) > 10, "from another place of each"


def test_a_proxys_rows_are_those_of_the_virtual_mixture(
    ready: tuple[LocalDisk, dict[str, Manifest]], tmp_path: Path
) -> None:
    disk, manifests = ready
    kinds = {"guidelines": "guideline", "articles": "article", "replay": "replay"}
    parts = zip(kinds.items(), ("0.5", "0.3", "0.2"), strict=True)
    components = [{"name": n, "kinds": [k], "weight": w, "max_epochs": 99} for (n, k), w in parts]
    mixture = MixtureConfig.model_validate(
        {"name": "m", "target": "demo", "sequence_tokens": 32, "total_tokens": 60 * 32, "components": components}
    )
    storage = Storage(disk)
    stages = [*prepared(config(), given(tmp_path))]
    stages.append(
        PlannedStage(MixtureStage(mixture, 11, proxy_target(config()), frozenset()), {"tokens": ("tokenize-demo",)})
    )
    plan = run_stages(storage, stages, lambda: InlineRuntime(storage), Events())["mixture-m"]
    virtual = VirtualRows(storage, plan, tuple(manifests["tokenize-demo"].files()), proxy_target(config()))
    mine = ProxyRows(stock(disk, manifests, target_tokens=1), (0.5, 0.3, 0.2), 60, 11)
    for first in (0, 7, 59):
        a, b = virtual.block(first, 60), mine.block(first, 60)
        assert np.array_equal(a.input_ids, b.input_ids)
        assert np.array_equal(a.doc_lens, b.doc_lens)
    for first, stop in ((0, 8), (8, 16), (50, 60), (3, 9)):
        made, low, high = mine.window(first, stop)
        assert np.array_equal(made.input_ids[low:high], virtual.block(first, stop).input_ids)
    assert np.array_equal(virtual.counts(41).tokens, mine.counts(41).tokens)


def test_a_scarce_component_is_thinned_so_that_it_repeats_as_the_target_will(
    ready: tuple[LocalDisk, dict[str, Manifest]],
) -> None:
    disk, manifests = ready
    whole = stock(disk, manifests, target_tokens=1)
    thin = stock(disk, manifests, target_tokens=6000)
    assert whole.kept == (1.0, 1.0, 1.0)
    budget = config().proxy.tokens
    for kept, size, packed, rest in zip(thin.kept, SIZES, thin.packed, whole.packed, strict=True):
        tokens = int(rest.tokens.sum())
        wanted = budget / 6000 * size / tokens  # as many epochs of what is kept as the target has of all
        assert wanted <= kept < wanted + 1 / rest.sequences
        pieces = set(zip(packed.document, packed.start, strict=True))
        assert pieces < set(zip(rest.document, rest.start, strict=True))
        assert packed.lengths.sum() == packed.sequences * 32 - packed.pad_tokens.sum()
    again = stock(disk, manifests, target_tokens=6000)
    assert again.digest == thin.digest


def test_held_out_documents_are_never_trained_on(ready: tuple[LocalDisk, dict[str, Manifest]]) -> None:
    disk, manifests = ready
    held = set(table(disk, manifests["held-out"])["id"].to_pylist())
    assert len(held) == round(0.2 * 24) + round(0.2 * 20) + round(0.2 * 16)
    trained = {one for part in tokens(disk, manifests) for one in part["document"].to_pylist()}
    assert len(trained) == 24 + 20 + 16 - len(held)
    assert not trained & held
    items = table(disk, manifests["evaluation"])
    assert held <= set(items["item"].to_pylist())
    assert items.num_rows == len(held) + 4


def test_every_scored_token_is_counted_once_and_no_context_is(ready: tuple[LocalDisk, dict[str, Manifest]]) -> None:
    disk, manifests = ready
    items = table(disk, manifests["evaluation"])
    exam = exam_of(items, proxy_target(config()), 32)
    scored = np.bincount(exam.item[exam.item >= 0], minlength=items.num_rows)
    wanted = [len(row["ids"]) - row["context"] for row in items.to_pylist()]
    assert scored.tolist() == wanted
    for row in range(items.num_rows):  # labels of an item, in order, are its ids: what is scored is the text itself
        places = exam.item.reshape(-1) == row
        found = exam.labels.reshape(-1)[places].tolist()
        ids = items["ids"][row].as_py()[items["context"][row].as_py() :]
        assert sorted(found) == sorted(ids)
    uniform = np.array(wanted) * np.log(300)
    bits = exam.bits_per_byte(uniform)["questions/test"]
    assert bits == pytest.approx(4 * wanted[-1] * np.log2(300) / (4 * len(" daily child fever")))


def test_parts_of_an_article_are_held_out_together_and_records_of_a_table_alone() -> None:
    assert _item_of("PMC1.xml#sub2", "article") == _item_of("PMC1.xml", "article") == "PMC1.xml"
    assert _item_of("nci/book.nxml#ch3/s1", "guideline") == "nci/book.nxml"
    assert _item_of("rows.jsonl#B0", "guideline") == "rows.jsonl#B0"
    assert _item_of("train.json.gz#q/1", "mcq") != _item_of("train.json.gz#q/2", "mcq")
    assert _item_of("patients.yaml#1", "synthetic") != _item_of("patients.yaml#2", "synthetic")
    assert _item_of("#odd", "article") == "#odd"
