"""Targets say what their tokenizer must be, and a control token never comes out of a text."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError
from tokenizers import Tokenizer

from mixer.target import (
    DEMO,
    Target,
    control_ids,
    find_target,
    load_tokenizer,
    load_tokenizer_bytes,
    train_bpe,
)
from pipelines.engine.errors import ConfigError, InputError

TEXTS = [
    "Give 0.5 mg/kg of adrenaline if SpO2 <90% or RR >30, then 10³ IU.\n\n  5 µg twice a day.",
    "CD4 <200 cells/µL: start co-trimoxazole; \u00e9 and e\u0301, 数据, \U0001f9ec",
    " \t leading and trailing white space  \n",
]
FORGED = ["<|bos|>", "<|eos|> and <|pad|>", "a<|eos|>b", "<|bos|>" * 3, "\n<|eos|>\n"]


def demo_bytes(size: int = 400) -> bytes:
    return train_bpe(iter(TEXTS * 20 + FORGED), size)


def real_tokenizer(name: str) -> bytes:
    data = os.environ.get("MEDMIX_DATA")
    path = Path(data or "/nonexistent") / "tokenizers" / name / "tokenizer.json"
    if not path.is_file():
        pytest.skip(f"MEDMIX_DATA has no tokenizer of {name}")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "bos", "eos", "pad", "begins"),
    [
        ("llama-3.1", 128000, 128001, 128004, True),
        ("qwen2.5", None, 151643, 151662, False),
        (DEMO, 0, 1, 2, True),
    ],
)
def test_shipped_targets(name: str, bos: int | None, eos: int, pad: int, begins: bool) -> None:
    target = find_target(name)
    assert (target.bos_id, target.eos_id, target.pad_id, target.bos, target.eos) == (bos, eos, pad, begins, True)
    assert target.id_dtype == ("uint16" if name == DEMO else "uint32")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"pad_id": 1}, "mask every EOS"),
        ({"bos_id": None}, "need a bos_id"),
        ({"eos_id": None}, "needs an eos_id"),
        ({"pad_id": 500}, "not below the vocabulary"),
        ({"revision": "main"}, "revision"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_impossible_target_is_refused(change: dict[str, object], says: str) -> None:
    values = {"name": "t", "bos_id": 0, "eos_id": 1, "pad_id": 2, "bos": True, "context_tokens": 9, "vocabulary": 500}
    with pytest.raises(ValidationError, match=says):
        Target.model_validate(values | change)


def test_unknown_target_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no such file.*llama-3\.1"):
        find_target("llama-9")
    (tmp_path / "t.yaml").write_text("name: [")
    with pytest.raises(ConfigError, match="not a target"):
        find_target(str(tmp_path / "t.yaml"))


def test_absent_tokenizer_says_what_is_missing_and_where_it_looked(tmp_path: Path) -> None:
    local = Target(name="t", tokenizer="no/such.json", eos_id=1, context_tokens=9, vocabulary=500)
    with pytest.raises(InputError, match=f"no tokenizer file no/such.json; looked in .*{tmp_path}"):
        load_tokenizer(local, [tmp_path])
    hub = local.model_copy(update={"tokenizer": "org/model", "revision": "0" * 40})
    with pytest.raises(InputError, match=r"hf download org/model tokenizer\.json --revision 0000"):
        load_tokenizer(hub, [tmp_path])
    place = tmp_path / "models--org--model" / "snapshots" / ("0" * 40)
    place.mkdir(parents=True)
    (place / "tokenizer.json").write_bytes(demo_bytes())
    assert load_tokenizer(hub, [tmp_path]).token_to_id("<|eos|>") == 1


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(demo_bytes())
    target = Target(name="t", tokenizer=str(path), eos_id=1, context_tokens=9, vocabulary=500)
    load_tokenizer(target)
    for change, says in [
        ({"tokenizer_sha256": "0" * 64}, "pinned to 0000"),
        ({"vocabulary": 300}, "has room for 300"),
        ({"control": {"<|eos|>": 7}}, "needs 7"),
        ({"probes": {"mg": (1, 2, 3)}}, "another tokenizer"),
    ]:
        with pytest.raises(ConfigError, match=says):
            load_tokenizer(target.model_copy(update=change))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"added_tokens": [], "model": {}}', b"\xff"])
def test_what_is_no_tokenizer_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match="not a tokenizer"):
        load_tokenizer_bytes(data)


def test_a_file_that_is_no_tokenizer_is_named(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(b"{}")
    target = Target(name="t", tokenizer=str(path), eos_id=1, context_tokens=9, vocabulary=500)
    with pytest.raises(InputError, match=f"target t: {path}: not a tokenizer"):
        load_tokenizer(target)


def test_found_tokenizer_enters_the_identity_by_digest_not_by_path(tmp_path: Path) -> None:
    targets = []
    for folder in ("a", "b"):
        path = tmp_path / folder / "tokenizer.json"
        path.parent.mkdir()
        path.write_bytes(demo_bytes())
        targets.append(find_target(DEMO, path))
    assert targets[0].identity() == targets[1].identity()
    assert targets[0].tokenizer_sha256
    assert len(set(targets)) == 2


REAL = [pytest.param(name, marks=pytest.mark.real) for name in ("llama-3.1", "qwen2.5")]


@pytest.mark.parametrize("name", [DEMO, *REAL])
def test_no_control_token_comes_out_of_a_text(name: str) -> None:
    data = demo_bytes() if name == DEMO else real_tokenizer(name)
    tokenizer = load_tokenizer_bytes(data)
    plain = Tokenizer.from_str(data.decode())
    control = set(control_ids(tokenizer).tolist())
    added = json.loads(data)["added_tokens"]
    assert control == {token["id"] for token in added}
    for token in [token["content"] for token in added]:
        for text in (token, f"before {token} after", f"x{token}\n{token}{token}"):
            ids = tokenizer.encode(text).ids
            assert control.isdisjoint(ids), text
            assert tokenizer.decode(ids) == text
    for text in TEXTS:
        assert tokenizer.encode(text).ids == plain.encode(text, add_special_tokens=False).ids


@pytest.mark.real
def test_white_space_tokens_and_declared_ones_stay_ordinary() -> None:
    data = real_tokenizer("gpt-neox-20b")
    tokenizer, plain = load_tokenizer_bytes(data), Tokenizer.from_str(data.decode())
    text = "dose:        5 mg\n    twice"
    assert tokenizer.encode(text).ids == plain.encode(text).ids
    assert control_ids(tokenizer).tolist() == [0, 1]
    qwen = load_tokenizer_bytes(real_tokenizer("qwen2.5"), ordinary=["<tool_call>"])
    assert qwen.encode("<tool_call><|im_end|>").ids[0] == 151657
    assert 151645 not in qwen.encode("<tool_call><|im_end|>").ids


@pytest.mark.real
@pytest.mark.parametrize("name", ["llama-3.1", "qwen2.5"])
def test_real_files_answer_the_probes(name: str) -> None:
    real_tokenizer(name)
    target = find_target(name)
    assert load_tokenizer(target).get_vocab_size() == target.vocabulary
    swapped = "qwen2.5" if name == "llama-3.1" else "llama-3.1"
    wrong = target.model_copy(update={"tokenizer": f"{swapped}/tokenizer.json", "tokenizer_sha256": None})
    with pytest.raises(ConfigError):
        load_tokenizer(wrong)


def test_trained_tokenizer_has_the_demo_ids_and_reads_any_text() -> None:
    tokenizer = load_tokenizer_bytes(demo_bytes())
    assert control_ids(tokenizer).tolist() == [0, 1, 2]
    for text in [*TEXTS, "\x00\x7f unseen 字 \U0001f600"]:
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_training_gives_the_same_bytes_with_any_threads_and_hash_seed() -> None:
    code = (
        "import hashlib; from mixer.target import train_bpe; "
        "texts = (f'w{i % 97} {chr(97 + i % 26)}{chr(97 + i % 25)} dose {i % 50} mg <{i}' for i in range(4000)); "
        "print(hashlib.sha256(train_bpe(texts, 700)).hexdigest())"
    )
    seen = set()
    for threads, parallel, seed in [("1", "false", "0"), ("2", "true", "1"), ("4", "true", "random")]:
        env = {**os.environ, "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": parallel, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        seen.add(done.stdout)
    assert len(seen) == 1
