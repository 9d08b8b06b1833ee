"""A headless Chromium, steered over the WebDriver protocol with nothing but the standard library.

Whatever it asks the network for goes to a proxy on loopback that answers nobody and remembers what was asked.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Iterator

ANSWER_SECONDS = 120
FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    "--no-first-run",
    "--no-pings",
    "--hide-scrollbars",
    # loopback is asked for through the proxy too
    "--proxy-bypass-list=<-loopback>",
)


class Canary(socketserver.ThreadingTCPServer):
    """A proxy that answers nobody. `seen` holds the first line of what came for the hosts that hostile logs name.

    A browser has errands of its own, at its maker's hosts and at times of its choice: these are not told. What a page
    asks of such a host is in the browser's own log of requests.
    """

    daemon_threads = True

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts
        self.seen: list[str] = []
        super().__init__(("127.0.0.1", 0), Ear)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __enter__(self) -> Canary:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class Ear(socketserver.StreamRequestHandler):
    """One connection to the canary."""

    server: Canary
    timeout = 10

    def handle(self) -> None:
        try:
            line = self.rfile.readline(500).decode(errors="replace").strip()
        except OSError:
            line = ""
        if any(host in line for host in self.server.hosts):
            self.server.seen.append(line)


def chromium() -> tuple[str, str] | None:
    """The browser and its driver, where both are installed."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


class Browser:
    """One window of one browser with an empty profile."""

    def __init__(self, programs: tuple[str, str], proxy_port: int) -> None:
        browser, driver = programs
        self.profile = tempfile.TemporaryDirectory(prefix="kubesift-browser-", ignore_cleanup_errors=True)
        self.driver = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = ""
        try:
            self.url = f"http://127.0.0.1:{self._port()}/session"
            flags = [*FLAGS, f"--user-data-dir={self.profile.name}", f"--proxy-server=127.0.0.1:{proxy_port}"]
            if os.geteuid() == 0:
                flags.append("--no-sandbox")
            wants = {
                "goog:chromeOptions": {"binary": browser, "args": flags},
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "pageLoadStrategy": "normal",
            }
            session = self._ask("POST", "", {"capabilities": {"alwaysMatch": wants}})
        except BaseException:
            self._end()
            raise
        self.url += f"/{session['sessionId']}"
        # leaves the page that the browser shows at its start, which asks for much
        self._ask("POST", "/url", {"url": "about:blank"})

    def _port(self) -> int:
        assert self.driver.stdout
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                return int(found[1])
        raise RuntimeError("chromedriver ended before it listened")

    def _ask(self, method: str, path: str, body: object | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        # the surroundings' own proxy has no part in what is asked on loopback
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=ANSWER_SECONDS) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            told = json.load(error).get("value", {})
            raise RuntimeError(f"the browser refused {path}: {told.get('message', error)}") from error

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._ask("DELETE", "")
        except (OSError, RuntimeError):
            pass  # it is gone already
        self._end()

    def _end(self) -> None:
        self.driver.terminate()
        self.driver.wait()
        if self.driver.stdout:
            self.driver.stdout.close()
        self.profile.cleanup()

    def command(self, name: str, **params: object) -> Any:
        """A command of the DevTools protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": params})

    def open(self, page: Path) -> None:
        """Opens a file and returns when all of it is loaded."""
        self._ask("POST", "/url", {"url": page.resolve().as_uri()})

    def title(self) -> str:
        """The title of the page."""
        return str(self._ask("GET", "/title"))

    def run(self, script: str, *args: object) -> Any:
        """What a script answers, which the page's own policy does not bind."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(args)})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since it was asked for last: `browser` is the console, `performance` the network."""
        return list(self._ask("POST", "/se/log", {"type": kind}))

    def requests(self) -> list[str]:
        """The URLs that were asked for since this was asked last."""
        messages = [json.loads(entry["message"])["message"] for entry in self.log("performance")]
        sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def resize(self, width: int, height: int) -> None:
        """Makes the window that wide, in CSS pixels; a narrow one is a phone."""
        phone = width < 600
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def media(self, medium: str, scheme: str) -> None:
        """Makes the page believe in a medium (`screen`, `print`) and a colour scheme (`light`, `dark`)."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=medium, features=features)

    def pdf(self) -> bytes:
        """The page on paper."""
        sheet = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
        return base64.b64decode(self.command("Page.printToPDF", **sheet)["data"])

    def shots(self, width: int, height: int, most: int) -> Iterator[bytes]:
        """The page from its top in pictures of that height at most, as PNG."""
        whole = int(self.run("return document.documentElement.scrollHeight"))
        for top in range(0, min(whole, height * most), height):
            clip = {"x": 0, "y": top, "width": width, "height": min(height, whole - top), "scale": 1}
            taken = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
            yield base64.b64decode(taken["data"])
