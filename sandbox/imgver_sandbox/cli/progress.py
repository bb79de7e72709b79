"""The display of long steps: live on a terminal, plain lines elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column


class Steps:
    """Prints the start, the progress and the end of each step."""

    def __init__(self, console: Console | None = None) -> None:
        """Print to `console` (default: standard output)."""
        self._console = console or Console(highlight=False)

    def print(self, message: str) -> None:
        """Print `message` without any markup."""
        self._console.print(message, markup=False, soft_wrap=True)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str], None]]:
        """Show a step with its duration. The function that this yields shows a line of progress."""
        started = time.monotonic()
        try:
            with self._live(title) if self._console.is_interactive else self._plain(title) as show:
                yield show
        except BaseException:
            self.print(f"failed  {title}  ({time.monotonic() - started:.1f} s)")
            raise
        self.print(f"done    {title}  ({time.monotonic() - started:.1f} s)")

    @contextlib.contextmanager
    def _plain(self, title: str) -> Iterator[Callable[[str], None]]:
        self.print(f"        {title} ...")
        yield lambda _line: None

    @contextlib.contextmanager
    def _live(self, title: str) -> Iterator[Callable[[str], None]]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            TextColumn(
                "{task.fields[line]}",
                style="dim",
                markup=False,
                table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
            ),
        )
        with Progress(*columns, console=self._console, transient=True, expand=True) as progress:
            task = progress.add_task(title, total=None, line="")

            def show(line: str) -> None:
                progress.update(task, line=line)

            yield show
