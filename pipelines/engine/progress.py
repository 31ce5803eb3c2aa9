"""The rich view of a run: one table, live on a terminal while it runs, or once for `medmix status`.

Text from events is shown as it is, never read as rich markup. Not here: what the numbers are (`status`).
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipelines.engine.status import StageStatus, Status

_COLUMNS = ("shards", "docs/s", "tokens", "quarantined", "left")


def render_status(status: Status, now_s: float | None = None) -> Table:
    """Return the table of stages as of `now_s` (Unix seconds; by default, the last event)."""
    at_s = now_s if now_s is not None else status.updated_s or 0.0
    table = Table(title=Text(_title(status)), caption=_caption(status), title_justify="left", caption_justify="left")
    table.add_column("stage", no_wrap=True)
    table.add_column("state")
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for name, stage in list(status.stages.items()):  # a copy: the live view draws from its own thread
        table.add_row(Text(name), stage.state, *_cells(stage, at_s))
    return table


def _title(status: Status) -> str:
    if status.updated_s is None:
        return "no run has started here"
    last = datetime.fromtimestamp(status.updated_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"run {status.state}, last event {last}"


def _caption(status: Status) -> Text | None:
    lines = [*status.notes, *([f"failed: {status.error}"] if status.state == "failed" else [])]
    return Text("\n".join(lines)) if lines else None


def _cells(stage: StageStatus, now_s: float) -> tuple[str, ...]:
    finished = stage.shards if stage.state == "cached" else stage.shards_cached + stage.shards_done
    rate, left_s = stage.records_per_s(now_s), stage.left_s(now_s)
    retried = f" ({stage.retried} retried)" if stage.retried else ""
    return (
        f"{finished}/{stage.shards}{retried}",
        f"{rate:,.1f}" if rate else "",
        short_count(stage.tokens) if stage.tokens else "",
        f"{stage.quarantined:,}" if stage.quarantined else "",
        str(timedelta(seconds=round(left_s))) if left_s is not None else "",
    )


def short_count(count: int) -> str:
    """Return a count in three digits: 950, 12.3k, 4.56M, 7.89G."""
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 0.9995 * size:  # what would round to 1000 of the smaller unit
            return f"{count / size:.3g}{unit}"
    return str(count)


class LiveView:
    """Keeps the table of `status` at the foot of a terminal; what is said appears above it."""

    def __init__(self, status: Status, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._live = Live(console=console, get_renderable=lambda: render_status(status, clock()), refresh_per_second=4)
        self._live.start()

    def say(self, text: str) -> None:
        """Show a line above the table."""
        self._console.print(Text(text))

    def close(self) -> None:
        """Draw the table a last time and leave it on the screen."""
        self._live.stop()
