"""An environment of its own for a server that stands in for vLLM: a folder with the one command that a run starts."""

import sys
from pathlib import Path


def vllm_environment(folder: Path) -> str:
    """Make the environment below a folder, and return its path for `teacher.serve.environment`."""
    command = folder / "env" / "bin" / "vllm"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!{sys.executable} -P\n{Path(__file__).with_name('fake_vllm.py').read_text()}")
    command.chmod(0o755)
    return str(folder / "env")
