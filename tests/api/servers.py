"""Real HTTP servers: the API under uvicorn, and a stand-in for Dagster that answers recorded shapes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fastapi import FastAPI

from segmentator_dagster.api.server import Server
from tests.servers.child import LOOPBACK

RUN_ID = "2f4f1a52-8b0e-4b52-a4c9-0a0e0ad5a8a1"
ANSWERS: dict[str, dict[str, Any]] = {
    "addDynamicPartition": {"__typename": "AddDynamicPartitionSuccess"},
    "deleteDynamicPartitions": {"__typename": "DeleteDynamicPartitionsSuccess"},
    "launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": RUN_ID}},
    "terminateRun": {"__typename": "TerminateRunSuccess"},
    "runsOrError": {"__typename": "Runs", "results": []},
}


class DagsterServer:
    """`asked` holds (operation, variables) in the order of arrival; `answers` may be changed."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers = dict(ANSWERS)

    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    def answer(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "version" in document:
            return {"data": {"version": "1.13.27"}}
        operation = next(name for name in self.answers if name in document)
        self.asked.append((operation, variables))
        return {"data": {"outcome": self.answers[operation]}}


@contextmanager
def dagster_server() -> Iterator[DagsterServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = json.dumps(dagster.answer(body["query"], body["variables"])).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    dagster = DagsterServer(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield dagster
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def api_server(app: FastAPI, port: int = 0) -> Iterator[str]:
    """The application under uvicorn on a port of its own, or on this one; gives its address."""
    with socket.create_server((LOOPBACK, port)) as listener:
        server = Server(app, log_level="warning")
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            if not eventually(lambda: server.started):
                raise RuntimeError("the API did not start")
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def eventually(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether the condition holds within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()
