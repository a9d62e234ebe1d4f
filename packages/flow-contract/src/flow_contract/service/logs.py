"""Log lines: one event a line, a constant sentence plus fields, as JSON or for a console.

Lines of libraries that use the standard library's logging come out in the same form. Values of clients go
into fields, never into the sentence, so nobody can forge a line.
"""

import logging
import sys
from typing import TextIO

import structlog

CONSOLE = "console"
JSON = "json"


def configure_logs(
    *, log_format: str | None = None, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Write all log lines to `stream` (standard error) in `log_format`: `json` or `console`.

    Without a format it is `console` on a terminal and `json` elsewhere.
    """
    out = stream or sys.stderr
    for_people = (log_format or (CONSOLE if out.isatty() else JSON)) == CONSOLE
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        # First, so that a line below the level costs next to nothing.
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    rendering: list[structlog.types.Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(),
                repr_native_str=True,  # a value with a line end or an escape sequence stays on its line
                exception_formatter=structlog.dev.plain_traceback,  # rich's shows the values of locals
            )
        ]
        if for_people
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
