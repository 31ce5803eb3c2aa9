"""A run writes conversations in the target's format, quarantines what that cannot hold, and traces tokens to turns."""

import json

import datasets
import pyarrow as pa
import pytest
from demo_runs import call_medmix
from tokenizers import AddedToken, Tokenizer

from mixer.batch import IGNORED, Batch
from mixer.stored import StoredRows
from mixer.target import load_tokenizer_bytes, train_bpe
from pipelines.result import Result, read_result
from pipelines.trace import trace_sequence

TARGET = """
name: toy-instruct
tokenizer: {tokenizer}
bos_id: 0
eos_id: 1
pad_id: 2
bos: true
context_tokens: 4096
vocabulary: 450
control: {{"<|bos|>": 0, "<|eos|>": 1, "<|pad|>": 2, "<|im_start|>": {start}, "<|im_end|>": {end}}}
chat:
  open: "<|im_start|>{{role}}\\n"
  close: "<|im_end|>"
  after: "\\n"
  roles: {{user: user, assistant: assistant}}
"""
RUN = """
name: chats
out: {out}
seed: 5
max_quarantined: 0.5
sources:
  - name: talks
    kind: dialogue
    path: {folder}/talks
    include: ["*.jsonl"]
    parser: records
    options: {{fields: {{messages: turns}}}}
stages: [{{kind: normalize}}, {{kind: consolidate}}]
mixtures:
  - name: m
    target: {folder}/target.yaml
    sequence_tokens: 96
    on_cap: shorten
    components: [{{name: all, weight: 1, max_epochs: 1}}]
"""
ANSWER = "Give 0.5 mg/kg if SpO2 <90%, not 5 mg. <|im_end|> is only text here; case {}."


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("chats")
    tokenizer = Tokenizer.from_str(train_bpe(iter([ANSWER, "assistant\nuser\n"] * 9), 400).decode())
    tokenizer.add_special_tokens([AddedToken(mark, special=True) for mark in ("<|im_start|>", "<|im_end|>")])
    marks = [tokenizer.token_to_id(mark) for mark in ("<|im_start|>", "<|im_end|>")]
    (folder / "tokenizer.json").write_text(tokenizer.to_str(), encoding="utf-8")
    told = TARGET.format(tokenizer=folder / "tokenizer.json", start=marks[0], end=marks[1])
    (folder / "target.yaml").write_text(told, encoding="utf-8")
    (folder / "talks").mkdir()
    chats = [[turn("user", f"Dose for case {n}?"), turn("assistant", ANSWER.format(n))] for n in range(40)]
    chats += [[turn("system", "Be brief."), *chats[0]], chats[1][:1]]
    lines = [json.dumps({"turns": turns}) for turns in chats]
    (folder / "talks" / "talks.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "run.yaml").write_text(RUN.format(out=folder / "out", folder=folder), encoding="utf-8")
    done = call_medmix("run", folder / "run.yaml", "--inline")
    assert done.returncode == 0, done.stderr
    return read_result(folder / "out")


def test_what_the_format_cannot_hold_is_quarantined_and_nothing_else(result: Result) -> None:
    counts = result.manifests["tokenize-toy-instruct"].ledger.sources["talks"]
    assert dict(counts.quarantined) == {"chat_role": 1, "chat_nothing_trained": 1}
    assert counts.records_kept == 40


def test_answers_are_trained_whole_and_nothing_but_answers(result: Result) -> None:
    folder = result.storage.disk.root / result.mixtures["m"]
    rows = StoredRows(folder)
    block = rows.block(0, rows.sequences)
    tokenizer = load_tokenizer_bytes((folder / "tokenizer.json").read_bytes())
    end = rows.facts["control"]["<|im_end|>"]
    labels = Batch(block, 0, "same").labels.reshape(-1)
    said = "".join(tokenizer.decode([number]) if number != end else "⏹" for number in labels[labels != IGNORED])
    assert sorted(said.split("⏹")) == sorted(["", *(ANSWER.format(number) for number in range(40))])
    loaded = datasets.load_from_disk(str(folder))
    assert [row["masked"] for row in loaded] == [
        block.masked[a:b].reshape(-1).tolist() for a, b in zip(block.ends, block.ends[1:], strict=False)
    ]


def test_every_token_leads_to_its_turn(result: Result) -> None:
    folder = result.storage.disk.root / result.mixtures["m"]
    block = StoredRows(folder).block(0, 1)
    tokenizer = load_tokenizer_bytes((folder / "tokenizer.json").read_bytes())
    turns = pa.array(block.input_ids[0]).to_pylist()[: 96 - int(block.pad_len[0])]
    for token, number in enumerate(turns):
        (traced,) = trace_sequence(result, "m", 0, token)
        assert traced.chars is not None
        start, end = traced.chars
        assert traced.text[start:end] == tokenizer.decode([number], skip_special_tokens=False)
        assert traced.document.messages is not None
