"""A process that does a run's work imports neither pandas nor scipy unless it is asked to."""

import subprocess
import sys

_SPARED = """
import sys
from pipelines.engine.spared_imports import spare_pandas
spare_pandas()
import pyarrow as pa
table = pa.table({"number": pa.array([1, 2])})
from pipelines.stages.quality_repeats import table_size
assert table_size(9) == 32
print(*(name for name in ("pandas", "scipy") if name in sys.modules), "end")
assert table.to_pandas()["number"].sum() == 3
import pandas
assert pa.Table.from_pandas(pandas.DataFrame({"number": [1, 2]})).column("number") == table.column("number")
"""


def test_what_is_spared_is_there_for_whoever_asks() -> None:
    ran = subprocess.run([sys.executable, "-c", _SPARED], capture_output=True, text=True, check=True)
    assert ran.stdout == "end\n"
