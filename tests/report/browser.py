"""Headless Chromium for the report's tests, without any network of its own."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def binaries() -> tuple[str, str]:
    """Returns Chromium and its driver, or skips with what to install."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("Chromium and its driver are not installed: 'apt-get install chromium chromium-driver'")
    pytest.importorskip("selenium", reason="selenium is not installed: pip install 'bench[dev]'")
    return browser, driver


@contextmanager
def opened(profile: Path, *, width: int = 1440, dark: bool = False, javascript: bool = True) -> Iterator[Any]:
    """Yields a driver whose performance log holds every request."""
    from selenium import webdriver

    browser, driver_path = binaries()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},1200"):
        options.add_argument(flag)
    if not javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver_path))
    try:
        driver.set_script_timeout(60)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": 1200, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        yield driver
    finally:
        driver.quit()


def requests_of(driver: Any) -> list[str]:
    """Returns the addresses asked for, the page's own file left out."""
    found = []
    for line in driver.get_log("performance"):
        message = json.loads(line["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if not url.startswith(("file:", "data:", "chrome:", "chrome-extension:", "about:")):
                found.append(url)
    return found


def console_of(driver: Any) -> list[str]:
    """Returns what the console said, warnings too."""
    return [line["message"] for line in driver.get_log("browser")]


def explorer_ready(driver: Any, after: int = 0) -> int:
    """Scrolls to the explorer, waits until it has drawn more than `after` times; returns how often."""
    from selenium.webdriver.support.wait import WebDriverWait

    driver.execute_script("document.getElementById('panel').scrollIntoView()")

    def drawn(_: Any) -> int:
        count = driver.execute_script("return Number(document.getElementById('panel').dataset.ready || 0)")
        return count if count > after else 0

    return WebDriverWait(driver, 60).until(drawn)
