#!/usr/bin/env python3
"""Opens the pages that Kubesift writes in a real browser, and tells what is wrong with them.

The pages are of a generated log with attacks, and of a log whose every field is hostile. Each is looked at as it is, and
once more without its content security policy, so that escaping alone must hold. Before all that, faults are planted into
a copy of a page, and each must be found. Ends with 1 and a sentence for each fault.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Iterator

import hostile
from browser import Browser, Canary, chromium

WIDTHS = (360, 768, 1440)
SCHEMES = ("light", "dark")
WINDOW_HEIGHT = 900
# A4 without its margins, in CSS pixels: upright for all but the sections with wide tables, which lie on their side
UPRIGHT, LYING = 718, 1046
WIDE_TABLES_HIDDEN = "for (const part of document.querySelectorAll('section.rows')) part.hidden = arguments[0];"
SHOT_HEIGHT = 1300
SHOTS_MAX = 6
FAULTS_SHOWN_MAX = 12
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
LOOK = (Path(__file__).parent / "faults.js").read_text(encoding="utf-8")
# what is planted at the top of a page without a policy, and words of the fault that it is
PLANTED = (
    ("<script>window.__owned=20</script>", "a script of the log ran"),
    ("<img src=x onerror='window.__owned=21'>", "a script of the log ran"),
    (f"<img src='{hostile.CANARY}/planted'>", "asked for"),
    (f"<div style='background:url({hostile.CANARY}/style)'>x</div>", "asked for"),
    (f"<a href='{hostile.CANARY}/'>x</a>", "has href"),
    ("<a href='#nowhere'>x</a>", "leads nowhere"),
    ("<a onclick='x()'>x</a>", "has onclick"),
    ("<script>throw 1</script>", "the console says"),
    ("<div style='width:3000px'>x</div>", "px wide"),
    ("<p style='color:#ccc;background:#fff'>pale</p>", "too little contrast"),
    ("<p style='font-size:7px'>tiny</p>", "too small"),
    ("<div style='position:fixed;inset:0;background:#fff'></div>", "cannot be seen"),
    ("<svg height='30'><text y='20'>one</text><text y='20'>two</text></svg>", "lies over"),
    ("<table style='table-layout:fixed;width:20px'><tr><td style='overflow-wrap:normal'>Unbreakable</td></tr></table>", "sticks out of it"),
    ("<details class='folded'><summary>x</summary><p style='display:none'>y</p></details>", "stays folded"),
)


@dataclass
class Page:
    """A page, and what its text must hold so that looking at it proves anything."""

    path: Path
    tells: tuple[str, ...] = ()


def program(binary: Path, *args: object, accept: tuple[int, ...] = (0,)) -> None:
    """Runs kubesift to one of the accepted exit codes."""
    command = [str(binary), *map(str, args)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode not in accept:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}: {ran.stderr[-2000:]}")


def pages(binary: Path, folder: Path) -> Iterator[Page]:
    """Writes the pages of both logs."""
    made, planted = folder / "generated", folder / "hostile"
    program(binary, "generate", "--events", 10_000, "--seed", 7, "--out", made)
    hostile.write(planted)
    subjects = {
        "generated": {"thief": ["bela@example.com"], "everybody": ["--address", "203.0.113.14"], "nobody": ["nobody@example.com"]},
        "hostile": {"address": ["--address", hostile.ADDRESS], "script": ["--", hostile.PAYLOADS[0]]},
    }
    for log in (made, planted):
        tells = hostile.TELLTALES if log == planted else ()
        lake = folder / f"{log.name}-lake"
        program(binary, "ingest", log, "--lake", lake)
        page = folder / f"{log.name}-report.html"
        program(binary, "detect", "--lake", lake, "--min-severity", "info", "--report", page)
        yield Page(page, tells)
        page = folder / f"{log.name}-answer.html"
        program(binary, "report", "--lake", lake, "--out", page)
        yield Page(page, tells)
        for name, subject in subjects[log.name].items():
            page = folder / f"{log.name}-dossier-{name}.html"
            program(binary, "investigate", "--lake", lake, "--out", page, *subject)
            yield Page(page, tells[:1])


class Check:
    """One browser, and the canary that hears what it asks the network for."""

    def __init__(self, browser: Browser, canary: Canary, shots: Path | None) -> None:
        self.browser, self.canary, self.shots = browser, canary, shots

    def open(self, path: Path) -> None:
        """Opens a page, and forgets what was before."""
        self.browser.log("browser")
        self.browser.requests()
        self.browser.media("screen", "light")
        self.browser.resize(WIDTHS[-1], WINDOW_HEIGHT)
        self.canary.seen.clear()
        self.browser.open(path)

    def happened(self, path: Path) -> list[str]:
        """What the page did since it was opened that no page may do."""
        own = path.resolve().as_uri()
        # a file that is asked for beside it is a fault as well
        asked = {f"asked for {url[:200]}" for url in self.browser.requests() if url != own}
        asked.update(f"asked for {line}" for line in self.canary.seen)
        said = {f"the console says: {entry['message'][:300]}" for entry in self.browser.log("browser")}
        return sorted(asked | said)

    def looks(self, name: str) -> Iterator[str]:
        """Looks at the open page in all widths and colours, and on paper; gives the faults."""
        for width in WIDTHS:
            for scheme in SCHEMES:
                self.browser.resize(width, WINDOW_HEIGHT)
                self.browser.media("screen", scheme)
                yield from (f"{width} px, {scheme}: {fault}" for fault in self.browser.run(LOOK, width, False))
                if self.shots:
                    for number, shot in enumerate(self.browser.shots(width, SHOT_HEIGHT, SHOTS_MAX), 1):
                        (self.shots / f"{name}-{width}-{scheme}-{number}.png").write_bytes(shot)
        yield from self.on_paper()
        pdf = self.browser.pdf()
        if not re.search(rb"/Type\s*/Page\b", pdf):
            yield "on paper: there is no sheet"
        if self.shots:
            (self.shots / f"{name}.pdf").write_bytes(pdf)

    def on_paper(self) -> Iterator[str]:
        """Looks at the open page as it is printed; gives the faults."""
        self.browser.media("print", "dark")
        for width in (UPRIGHT, LYING):
            self.browser.resize(width, WINDOW_HEIGHT)
            self.browser.run(WIDE_TABLES_HIDDEN, width == UPRIGHT)
            yield from (f"on paper: {fault}" for fault in self.browser.run(LOOK, width, True))

    def page(self, page: Page) -> list[str]:
        """All faults of a page."""
        text = page.path.read_text(encoding="utf-8")
        faults = [] if POLICY.search(text) else ["there is no content security policy"]
        self.open(page.path)
        title = self.browser.title()
        faults += self.looks(page.path.stem)
        shown = self.browser.run("return document.body.textContent")
        faults += [f"{told!r} is not there as text" for told in page.tells if told not in shown]
        if self.browser.title() != title or not title.startswith("Kubesift"):
            faults.append(f"the title is {self.browser.title()!r}")
        faults += self.happened(page.path)
        bare = page.path.with_name(f"{page.path.stem}.bare.html")
        bare.write_text(POLICY.sub("", text), encoding="utf-8")
        self.open(bare)
        ran = self.browser.run(LOOK, WIDTHS[-1], False)
        return faults + [f"without its policy: {fault}" for fault in [*ran, *self.happened(bare)] if fault not in faults]

    def planted(self, page: Path) -> Iterator[str]:
        """Plants each fault into a copy of a page; gives those that were not found."""
        text = POLICY.sub("", page.read_text(encoding="utf-8"))
        copy = page.with_name("planted.html")
        for fault, words in PLANTED:
            copy.write_text(text.replace("<main>", f"<main>{fault}", 1), encoding="utf-8")
            self.open(copy)
            found = [*self.browser.run(LOOK, WIDTHS[-1], False), *self.on_paper(), *self.happened(copy)]
            if not any(words in one for one in found):
                yield f"the check is blind: {fault} was planted, and nothing says {words!r}"


def check(binary: Path, folder: Path, shots: Path | None, given: list[Path]) -> int:
    """Looks at all pages, or at the given ones; gives the exit code."""
    programs = chromium()
    if not programs:
        print("the browser check needs chromium and chromedriver", file=sys.stderr)
        return 2
    faults = 0
    with Canary(hostile.CANARY_HOST, "127.0.0.1") as canary, Browser(programs, canary.server_address[1]) as browser:
        checks = Check(browser, canary, shots)
        todo = [Page(path) for path in given] or list(pages(binary, folder))
        looked = ((page.path.name, checks.page(page)) for page in todo)
        if not given:
            looked = chain([("planted faults", list(checks.planted(todo[-1].path)))], looked)
        for name, found in looked:
            print(f"{name}: {'nothing' if not found else len(found)} wrong", flush=True)
            for fault in found[:FAULTS_SHOWN_MAX]:
                print(f"  {fault}", flush=True)
            faults += len(found)
    return 1 if faults else 0


def main() -> int:
    """Reads the arguments."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("binary", type=Path, help="the program")
    words.add_argument("folder", type=Path, help="an empty folder to work in")
    words.add_argument("--shots", type=Path, help="a folder for pictures of all pages")
    words.add_argument("--page", type=Path, action="append", default=[], help="look only at this page")
    args = words.parse_args()
    for folder in (args.folder, args.shots):
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    return check(args.binary.resolve(), args.folder, args.shots, args.page)


if __name__ == "__main__":
    sys.exit(main())
