"""Settings -> the logging of this process: one JSON line per event in production, readable lines elsewhere.

Everything writes through `logging`; structlog adds what is known of the request or run, takes secrets out, and renders.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from segmentator_dagster.scrubbing import Scrubber
from segmentator_dagster.settings import Settings

ACCESS_FIELDS = ("method", "path", "status", "milliseconds", "address", "person")
OURS = ("segmentator", "segmentator_dagster")
# At DEBUG these write tokens, verifiers, headers and passwords: they never get that far down.
TALKATIVE = (
    "authlib",
    "httpx",
    "httpx2",
    "httpcore",
    "httpcore2",
    "botocore",
    "boto3",
    "urllib3",
    "clickhouse_connect",
)
_DAGSTER = ("dagster", "dagster-webserver")  # bring handlers of their own, which take no secrets out

_log = logging.getLogger(__name__)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is now, not to what it was when the handler was made."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        """StreamHandler sets it, once."""


def configure(settings: Settings) -> None:
    """Send every log of this process to standard error, and there what nobody caught. The last call holds."""
    handler = _StandardError()
    handler.setFormatter(formatter(Scrubber.of(settings), form_of(settings)))
    root = logging.getLogger()
    for earlier in [one for one in root.handlers if isinstance(one, _StandardError)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.INFO)
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
    for name in _DAGSTER:
        logging.getLogger(name).handlers.clear()
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    sys.unraisablehook = _unraisable


def form_of(settings: Settings) -> Literal["json", "console"]:
    return settings.log_format or ("json" if settings.production else "console")


def formatter(scrubber: Scrubber, form: Literal["json", "console"]) -> logging.Formatter:
    """What turns a record of `logging` into its line."""

    def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {key: value if key in _META else scrubber.value(value) for key, value in event.items()}

    chain: Sequence[Processor] = (
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(allow=ACCESS_FIELDS),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        scrub,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=chain,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


_META = frozenset({"_record", "_from_structlog"})  # what structlog itself needs until the line is rendered


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log.critical("nobody caught this", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        name = args.thread.name if args.thread else "(gone)"
        _log.critical("thread %s died", name, exc_info=(args.exc_type, args.exc_value, args.exc_traceback))


def _unraisable(args: sys.UnraisableHookArgs) -> None:
    if args.exc_value is not None:
        _log.error(
            "%s: %r",
            args.err_msg or "ignored",
            args.object,
            exc_info=(args.exc_type, args.exc_value, args.exc_traceback),
        )
