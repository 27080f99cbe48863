"""Chromium spoken to through its debugging pipe, with nothing but the standard library."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, BinaryIO

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe"]


@contextmanager
def browser(profile) -> Iterator["Talk"]:
    """A browser with its own profile folder; it and its children end with the block."""
    there, ours_in = os.pipe()
    ours_out, here = os.pipe()
    # the browser listens on file descriptor 3 and answers on 4
    words = ["bash", "-c", f'exec "$@" 3<&{there} 4>&{here}', "bash", str(BROWSER), *FLAGS]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(
        [*words, f"--user-data-dir={profile}"], pass_fds=(there, here), start_new_session=True, **quiet
    )
    os.close(there)
    os.close(here)
    try:
        with os.fdopen(ours_in, "wb", buffering=0) as talk, os.fdopen(ours_out, "rb", buffering=0) as listen:
            yield Talk(talk, listen)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Talk:
    """One conversation in Chrome's DevTools protocol; events that come along are kept."""

    def __init__(self, talk: BinaryIO, listen: BinaryIO) -> None:
        self.talk, self.listen, self.rest = talk, listen, b""
        self.numbers, self.session, self.events = count(1), "", []

    def say(self, method: str, **params: Any) -> dict:
        """Give an order and wait for its result."""
        number = next(self.numbers)
        session = {"sessionId": self.session} if self.session else {}
        order = {"id": number, "method": method, "params": params, **session}
        self.talk.write(json.dumps(order).encode() + b"\0")
        while (message := self._hear()).get("id") != number:
            self.events.append(message)
        assert "error" not in message, message
        return message["result"]

    def _hear(self) -> dict:
        while b"\0" not in self.rest:
            part = self.listen.read(1 << 16)
            assert part, "the browser has gone"
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def open(self, address: str, width: int, height: int, mobile: bool) -> None:
        """Load a page to its end, watching its requests and its console."""
        self.session, self.events = "", []
        target = self.say("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.say("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Network", "Log", "Runtime", "Page"):
            self.say(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.say("Emulation.setDeviceMetricsOverride", **size)
        self.say("Page.navigate", url=address)
        while not self._of("Page.loadEventFired"):
            self.events.append(self._hear())

    def _of(self, *methods: str) -> list[dict]:
        return [event["params"] for event in self.events if event.get("method") in methods]

    def requests(self) -> list[str]:
        """Addresses asked for, those inside the page left out."""
        found = [params["request"]["url"] for params in self._of("Network.requestWillBeSent")]
        return [address for address in found if not address.startswith("data:")]

    def complaints(self) -> list[dict]:
        """What the page wrote to its console, and what the browser did."""
        return self._of("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")

    def value(self, expression: str) -> Any:
        """What a JavaScript expression gives in the page."""
        return self.say("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]
