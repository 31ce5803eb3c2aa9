"""The same bytes whatever runs the work: workers, runtime, hash seed, locale, time zone, working directory.

Push: one inline and one Ray run beside the undisturbed one. Nightly: the rest.
"""

from pathlib import Path

import pytest
from demo_runs import digests, run_demo

PUSH = [
    (["--inline"], {"PYTHONHASHSEED": "1", "LC_ALL": "C", "LANG": None, "TZ": "America/St_Johns"}),
    (
        ["--workers", "2"],
        {"PYTHONHASHSEED": "42", "LC_ALL": "C.utf8", "TZ": "Pacific/Kiritimati", "OMP_NUM_THREADS": "1"},
    ),
]
NIGHTLY = [
    (["--inline"], {"PYTHONHASHSEED": "0", "LC_ALL": "POSIX", "TZ": "Asia/Kathmandu", "RAYON_NUM_THREADS": "1"}),
    (["--inline"], {"PYTHONHASHSEED": "42", "LC_ALL": "tr_TR.UTF-8", "PYTHONUTF8": "0"}),
    (["--workers", "1"], {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"}),
    (["--workers", "4"], {"PYTHONHASHSEED": "1", "LC_ALL": "tr_TR.UTF-8", "TZ": "America/Caracas"}),
]


def name(case: object) -> str:
    return (
        "".join(case) if isinstance(case, list) else str(case.get("PYTHONHASHSEED")) if isinstance(case, dict) else ""
    )


def check(tmp_path: Path, words: list[str], env: dict[str, str | None], expected: dict[str, str]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run_demo(tmp_path / "run", *words, cwd=elsewhere, **env)
    assert digests(tmp_path / "run") == expected
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(("words", "env"), PUSH, ids=name)
def test_same_bytes(tmp_path: Path, words: list[str], env: dict[str, str | None], demo_digests: dict[str, str]) -> None:
    check(tmp_path, words, env, demo_digests)


@pytest.mark.nightly
@pytest.mark.parametrize(("words", "env"), NIGHTLY, ids=name)
def test_same_bytes_everywhere(
    tmp_path: Path, words: list[str], env: dict[str, str | None], demo_digests: dict[str, str]
) -> None:
    check(tmp_path, words, env, demo_digests)
