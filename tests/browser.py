"""A headless Chromium that reaches no network, for the tests of the site."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1280,900",
)  # fmt: skip


def programs() -> tuple[str, str]:
    """Chromium and its driver. Skips where one of them, or selenium, is not there."""
    found = shutil.which("chromium"), shutil.which("chromedriver")
    if not all(found):
        pytest.skip("there is no chromium, or no chromedriver (Debian: chromium chromium-driver)")
    pytest.importorskip("selenium", reason="chromium is driven by selenium, which is not there")
    return str(found[0]), str(found[1])


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser with a fresh profile."""
    binary, driver = programs()
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    os.environ["SE_OFFLINE"] = "true"  # selenium is given its driver, and shall not look for one
    options = Options()
    options.binary_location = binary
    for argument in (*ARGUMENTS, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=Service(driver))
    found.set_script_timeout(60)
    try:
        yield found
    finally:
        found.quit()


def errors(browser: Any) -> list[str]:
    """What the console complained about since it was asked last."""
    return [x["message"] for x in browser.get_log("browser") if x["level"] in ("SEVERE", "WARNING")]


def violations(browser: Any, *rules: str) -> list[str]:
    """What axe-core finds wrong on the page by WCAG 2.2 AA, or by some rules only."""
    if not browser.execute_script("return 'axe' in window"):
        browser.execute_script(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": tags}
    found = browser.execute_async_script(
        "const done = arguments[1];"
        "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations'], preload: false})"
        ".then(r => done(r.violations.map(v => v.id + ': ' + v.nodes.slice(0, 5).map("
        "n => n.target.join(' ') + ' ' + n.any.map(a => a.message).join(' ')).join('; '))),"
        "e => done(['axe failed: ' + e]));", only,
    )  # fmt: skip
    return list(found)


def dark(browser: Any, on: bool) -> None:
    """Ask for the dark theme, or for the light one, and for no motion."""
    features = [{"name": "prefers-color-scheme", "value": "dark" if on else "light"},
                {"name": "prefers-reduced-motion", "value": "reduce"}]  # fmt: skip
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def width(browser: Any, pixels: int) -> None:
    """Make the page so wide; 0 is as wide as the window."""
    if pixels:
        size = {"width": pixels, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    else:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
