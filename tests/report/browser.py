"""Headless Chromium, driven by its own protocol."""

import asyncio
import itertools
import json
import shutil
import subprocess
import time

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Tab:
    """A tab of headless Chromium, spoken to by its own protocol.

    asked    addresses that were asked for
    wrong    exceptions that nothing caught
    logged   what stands in the console
    """

    def __init__(self, socket_):
        self.socket, self.numbers = socket_, itertools.count()
        self.asked, self.wrong, self.logged = [], [], []

    async def call(self, method, **parameters):
        number = next(self.numbers)
        await self.socket.write_message(json.dumps({"id": number, "method": method, "params": parameters}))
        while (message := json.loads(await self.socket.read_message())).get("id") != number:
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            if message["method"] == "Runtime.exceptionThrown":
                self.wrong.append(message["params"])
            if message["method"] in ("Runtime.consoleAPICalled", "Log.entryAdded"):
                self.logged.append(message["params"])
        return message["result"]

    async def value(self, expression):
        """The value of a JavaScript expression; None where it fails, as it does before all is there."""
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return None if "exceptionDetails" in found else found["result"].get("value")

    async def until(self, expression, *, seconds=60):
        """The first value of an expression that is neither empty nor false."""
        end = time.monotonic() + seconds
        while not (found := await self.value(expression)):
            assert time.monotonic() < end, f"{expression} stayed {found}"
            await asyncio.sleep(0.05)
        return found


async def visited(folder, address, use, *, silent=True, **features):
    """Open a page in Chromium and use it: `use(tab)`; it may neither fail nor ask for anything elsewhere.

    folder     for Chromium's profile
    silent     whether it may not write to the console either
    features   what style sheets ask for, by name
    """
    child, tab = await _opened(folder, address, features)
    try:
        await asyncio.wait_for(use(tab), 120)
    finally:
        tab.socket.close()
        child.terminate()
        await asyncio.to_thread(child.wait)
    assert not tab.wrong
    assert not (silent and tab.logged)
    assert not [url for url in tab.asked if not url.startswith(("data:", "about:", address))]


async def _opened(folder, address, features):
    """Chromium at an address: its process and its tab."""
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    child = subprocess.Popen(
        [CHROMIUM, *options, f"--user-data-dir={folder}", "about:blank"], stderr=subprocess.DEVNULL
    )
    told = folder / "DevToolsActivePort"
    while not (told.exists() and len(told.read_text().split()) == 2):
        assert child.poll() is None, "Chromium ended at once"
        await asyncio.sleep(0.05)
    port = told.read_text().split()[0]
    pages = json.loads((await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/json")).body)
    url = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
    tab = Tab(await websocket_connect(url, max_message_size=2**26))
    for domain in ("Runtime", "Network", "Page", "Log"):
        await tab.call(f"{domain}.enable")
    wanted = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
    await tab.call("Emulation.setEmulatedMedia", features=wanted)
    await tab.call("Page.navigate", url=address)
    return child, tab
