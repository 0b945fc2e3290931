"""The site in a browser, from disk, without a network: clicked, typed, read by axe-core."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iconograph.browse import build
from iconograph.browse.pages import errata, gaps
from iconograph.browse.world import World
from tests import browser as b
from tests.conftest import FEW
from tests.site_worlds import judged, rendered

pytestmark = pytest.mark.xdist_group("site")
VENDOR = Path(__file__).parent / "vendor"


@pytest.fixture(scope="module")
def home(few: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("browser") / "site"
    build.write(build.build(few), out)
    return out


def pages(folder: Path) -> set[str]:
    """The pages of a site by their paths."""
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*.html")}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with b.chromium(tmp_path_factory.mktemp("profile")) as found:
        b.dark(found, False)
        yield found


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """The browser; a test in which the console complains has failed."""
    b.errors(chromium)
    yield chromium
    assert not b.errors(chromium)


def visit(browser: Any, folder: Path, path: str) -> None:
    load(browser, folder.as_uri() + "/" + path)


def load(browser: Any, address: str) -> None:
    """Open a page, and wait until this one and no other is there whole."""
    browser.get(address)
    there = (
        "return location.href.split('#')[0] === arguments[0] && document.readyState === 'complete'"
    )
    wait(browser, there, address.partition("#")[0])


def js(browser: Any, text: str, *given: object) -> Any:
    return browser.execute_script(text, *given)


def find(browser: Any, css: str) -> Any:
    return browser.find_element("css selector", css)


def here(browser: Any) -> str:
    """The page and what is asked of it, from the root of the site."""
    return str(browser.current_url).split("/site/", 1)[-1].replace("%3A", ":")


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def wait(browser: Any, text: str, *given: object) -> Any:
    """Wait until a script returns something true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 20, 0.05).until(lambda d: d.execute_script(text, *given))


# ---------------------------------------------------------------------- links


LINKS = """return Array.from(document.querySelectorAll('a[href], area[href], link[href]'),
  a => [a.href.baseVal === undefined ? a.href : new URL(a.href.baseVal, document.baseURI).href,
        a.hasAttribute('download')])"""


def crawl(browser: Any, folder: Path) -> tuple[set[str], list[str]]:
    """The pages that links lead to from the first one, and the links that lead nowhere."""
    root = folder.as_uri() + "/"
    ids: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    queue = [root + "index.html"]
    while queue:
        page = queue.pop()
        if page in ids:
            continue
        load(browser, page)
        ids[page] = set(
            js(browser, "return Array.from(document.querySelectorAll('[id]'), x => x.id)")
        )
        for link, _ in js(browser, LINKS):
            links.append((page, link))
            path = re.split("[?#]", link)[0]
            if (
                path.startswith(root)
                and path.endswith(".html")
                and (folder / path[len(root) :]).is_file()
            ):
                queue.append(path)
    dead = []
    for page, link in sorted(set(links)):
        path, _, fragment = link.partition("#")
        path = path.split("?")[0]
        if not path.startswith("file:"):
            continue
        if not path.startswith(root) or not (folder / path[len(root) :]).is_file():
            dead.append(f"{page}: {link}")
        elif fragment and fragment not in ids.get(path, {fragment}):
            dead.append(f"{page}: {link} has no such id")
    return {page[len(root) :] for page in ids}, dead


def test_every_page_can_be_reached_and_no_link_is_dead(browser: Any, home: Path) -> None:
    reached, dead = crawl(browser, home)
    assert reached == pages(home)
    assert not dead


def test_a_planted_dead_link_is_met(browser: Any, tmp_path: Path) -> None:
    page = "<!doctype html><html lang=en><title>a</title><h1 id=x>a</h1>"
    icon = '<link rel="icon" href="data:,">'  # else the browser asks for one
    (tmp_path / "index.html").write_text(
        page + icon + "<a href='nobody.html'>a</a><a href='#x'>b</a><a href='index.html#y'>c</a>"
    )
    _, dead = crawl(browser, tmp_path)
    assert len(dead) == 2 and "nobody.html" in dead[1] and "no such id" in dead[0]


def test_an_error_of_a_script_is_noticed(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        "<!doctype html><link rel=icon href='data:,'><script>x.y()</script>"
    )
    visit(browser, tmp_path, "a.html")
    assert any("x is not defined" in e for e in b.errors(browser))


def test_the_network_is_off(browser: Any, home: Path) -> None:
    visit(browser, home, "az.html")
    said = browser.execute_async_script(
        "const done = arguments[0];"
        "fetch('https://example.org/', {mode: 'no-cors'})"
        ".then(() => done('there'), () => done('off'))"
    )
    assert said == "off" and b.errors(browser)


# ---------------------------------------------------------------------- search


def search(browser: Any, words: str) -> list[str]:
    press(browser, "/")
    wait(browser, "return document.querySelector('dialog.search[open]')")
    box = find(browser, "#search-words")
    box.clear()
    box.send_keys(words)
    wait(
        browser,
        "return document.querySelector('dialog.search').dataset.ready === arguments[0]",
        words,
    )
    return list(
        js(browser, "return Array.from(document.querySelectorAll('.found a'), a => a.textContent)")
    )


def test_search_finds_names_authors_kernels_and_rules(browser: Any, home: Path) -> None:
    visit(browser, home, "methods/jensen.html")
    supcon, tsne = "Supervised contrastive learning, L_out", "t-SNE"
    for words, first in [
        ("SupConLoss", supcon), ("khosla supervised", supcon), ("tsne", tsne), ("maaten", tsne),
        ("supervized contrastive L_out", supcon),
        ("optax ntxent", "optax ntxent"), ("p:same-label", "Triplet SupCon"),
        ("log mul", "log_mul"),
        ("field:embedding verdict:refuted", "NeRV"), ("same label", "The same label"),
    ]:  # fmt: skip
        found = search(browser, words)
        assert found and found[0].startswith(first), (words, found)
        press(browser, "\ue00c")
    visit(browser, home, "index.html")
    find(browser, "#look a").click()  # which leads to A to Z where no script runs
    assert find(browser, "dialog.search").is_displayed()
    press(browser, "\ue00c")
    assert search(browser, "xyzzyx") == []
    assert "Nothing found" in find(browser, "#search-count").text
    press(browser, "\ue00c")


def test_search_keeps_its_words_in_the_address_and_follows_the_first(
    browser: Any, home: Path
) -> None:
    visit(browser, home, "methods/jensen.html")
    search(browser, "t-sne")
    assert here(browser) == "methods/jensen.html?q=t-sne"
    browser.refresh()
    wait(browser, "return document.querySelector('.found a')")
    find(browser, "#search-field").send_keys("embedding")
    assert find(browser, "#search-words").get_attribute("value") == "t-sne field:embedding"
    find(browser, "#search-words").send_keys("\ue007")
    wait(browser, "return location.pathname.endsWith('methods/t-sne.html')")
    assert "?" not in here(browser)


# ---------------------------------------------------------------------- the graph


BOXES = """return Array.from(document.querySelectorAll('#net-picture .box'), x => [x.dataset.id,
  x.getAttribute('href'), x.getAttribute('class'), x.getAttribute('transform'), x.innerHTML])"""
LINES = """return Array.from(document.querySelectorAll('#net-picture path[class*=k-]'),
  x => [x.getAttribute('class'), x.getAttribute('data-ends'), x.getAttribute('d')]).sort()"""
LIST = """return Array.from(document.querySelectorAll('#net-list h3, #net-list li'),
  x => x.textContent.trim().replace(/\\s+/g, ' '))"""


def graph(browser: Any, home: Path, asked: str = "") -> None:
    visit(browser, home, "graph.html" + asked)
    wait(browser, "return document.getElementById('net').dataset.ready")


def drawn(browser: Any, folder: Path, scripts: bool) -> list[list[Any]]:
    """Boxes, lines and list of the graph's page, drawn by its script or as the build left them."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not scripts})
    try:
        visit(browser, folder, "graph.html")
        if scripts:
            wait(browser, "return document.getElementById('net').dataset.ready")
        return [js(browser, text) for text in (BOXES, LINES, LIST)]
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_the_script_draws_what_the_build_drew(browser: Any, home: Path, tmp_path: Path) -> None:
    still = drawn(browser, home, scripts=False)
    assert len(still[0]) == 8 and len(still[2]) > 7 and len(still[1]) > 7
    assert drawn(browser, home, scripts=True) == still
    shutil.copytree(home, tmp_path / "site")
    data = tmp_path / "site" / "graph-data.js"
    planted = data.read_text().replace('"row":34', '"row":35')
    assert planted != data.read_text()
    data.write_text(planted)
    assert drawn(browser, tmp_path / "site", scripts=True) != still


def ids(browser: Any) -> set[str]:
    return {box[0] for box in js(browser, BOXES)}


def test_the_focus_moves_and_one_selection_is_shown_twice(browser: Any, home: Path) -> None:
    graph(browser, home)
    assert "simclr" in ids(browser) and "nerv" not in ids(browser)
    find(browser, "#net-picture [data-id='simclr'] rect").click()
    assert find(browser, "#net-list .at").get_attribute("data-id") == "simclr"
    assert "at" in find(browser, "#net-picture [data-id='simclr']").get_attribute("class").split()
    assert here(browser) == "graph.html?focus=supcon&depth=1&at=simclr"
    find(browser, "#net-list [data-focus]").click()
    wait(browser, "return document.getElementById('net').dataset.ready === 'simclr 1'")
    assert "SimCLR" in find(browser, "#net-name").text
    browser.back()
    wait(browser, "return document.getElementById('net').dataset.ready === 'supcon 1'")
    box = find(browser, "#net-focus")
    box.clear()
    box.send_keys("Triplet supcon\ue007")  # a label, as the boxes have it
    wait(
        browser,
        "return document.getElementById('net').dataset.ready === arguments[0]",
        "triplet-supcon-limit 1",
    )
    browser.back()
    wait(browser, "return document.getElementById('net').dataset.ready === 'supcon 1'")
    find(browser, "#net-picture [data-id='simclr'] rect").click()  # it is selected: the second
    wait(browser, "return location.pathname.endsWith('methods/simclr.html')")


def test_the_graph_filters_and_its_state_is_its_address(browser: Any, home: Path) -> None:
    graph(browser, home, "?focus=p:same-label&depth=1")
    assert {"p:same-label", "supcon"} <= ids(browser)
    graph(browser, home)
    both = ids(browser)
    find(browser, "#net-tools input[value='special-case']").click()
    assert "edges=-special-case" in here(browser)
    find(browser, "#net-tools input[value='proved-by']").click()
    assert any(x.startswith(("rule:", "axiom:")) for x in ids(browser))
    find(browser, "#net-field-choice").send_keys("self-supervised")
    wait(browser, "return location.search.includes('field=self-supervised')")
    at = here(browser)
    seen = ids(browser)
    assert {x for x in seen if x in FEW} < {x for x in both if x in FEW}
    graph(browser, home, "?" + at.partition("?")[2])
    assert ids(browser) == seen
    graph(browser, home, "?focus=supcon&depth=2")
    assert ids(browser) > both
    graph(browser, home, "?focus=__proto__")
    assert ids(browser) == both and "no node" in find(browser, "#net-count").text


# ---------------------------------------------------------------------- folds, comparisons


def test_a_proof_opens_and_a_link_into_it_does_too(browser: Any, home: Path) -> None:
    visit(browser, home, "methods/supcon.html")
    fold = find(browser, "#proof ~ details, [aria-labelledby='proof'] details")
    before = fold.get_attribute("open")
    fold.find_element("css selector", "summary").click()
    assert fold.get_attribute("open") != before
    press(browser, "o")
    every = "return Array.from(document.querySelectorAll('main details'), x => x.open)"
    assert len(set(js(browser, every))) == 1
    press(browser, "o")
    assert len(set(js(browser, every))) == 1


def test_two_entries_are_compared(browser: Any, home: Path) -> None:
    visit(browser, home, "methods/supcon.html")
    press(browser, "c")
    wait(browser, "return location.href.endsWith('compare.html?a=supcon')")
    find(browser, "#right").send_keys("simclr\ue007")
    wait(browser, "return document.getElementById('comparison').dataset.ready === 'supcon simclr'")
    text = find(browser, "#comparison").text
    assert "They have different p (same-label, one-hot) and different q (dot, cosine)" in text
    assert "n * simclr is supcon with" in text.partition("Side by side")[0]
    visit(browser, home, "compare.html?a=sim&b=SimCLR")
    assert "“sim”" in find(browser, "[role=alert]").text
    visit(browser, home, "compare.html?a=t-SNE&b=SimCLR")  # as people write them
    wait(browser, "return document.getElementById('comparison').dataset.ready === 't-sne simclr'")


# ---------------------------------------------------------------------- keys alone


def focused(browser: Any) -> str:
    return str(
        js(browser, "const x = document.activeElement; return x.tagName + ' ' + x.textContent")
    )


def test_everything_by_keys(browser: Any, home: Path) -> None:
    visit(browser, home, "az.html")
    press(browser, "\ue004")
    assert "Skip to the content" in focused(browser)
    outline = (
        "const s = getComputedStyle(document.activeElement); return s.outlineStyle + s.outlineWidth"
    )
    assert js(browser, outline) == "solid3px"
    press(browser, "\ue007")
    assert focused(browser).startswith("MAIN")
    press(browser, "g", "g")
    wait(browser, "return location.pathname.endsWith('graph.html')")
    press(browser, "g", "l")
    wait(browser, "return location.pathname.endsWith('az.html')")
    press(browser, "?")
    assert find(browser, ".keys-help").is_displayed()
    press(browser, "\ue00c")
    assert not find(browser, ".keys-help").is_displayed()
    press(browser, "g", "t")
    wait(browser, "return location.pathname.endsWith('index.html')")
    js(browser, "document.querySelector('.periodic').parentElement.focus()")
    press(browser, "\ue015")
    assert focused(browser).startswith("TD")
    there = "const x = document.activeElement; return x.cellIndex + ' ' + x.parentElement.rowIndex"
    assert js(browser, there) == "1 1"
    press(browser, "\ue014", "\ue015")
    assert js(browser, there) == "2 2"
    press(browser, "\ue013", "\ue012")
    assert js(browser, there) == "1 1"
    js(browser, "const x = document.querySelector('.periodic td a'); x.closest('td').tabIndex = -1;"
                " x.closest('td').focus(); window.to = x.href")  # fmt: skip
    goal = js(browser, "return window.to")
    press(browser, "\ue007")
    if focused(browser).startswith("A "):
        press(browser, "\ue007")
    wait(browser, "return location.href === arguments[0]", goal)


def test_keys_of_the_graph(browser: Any, home: Path) -> None:
    graph(browser, home)
    js(browser, "document.querySelector('#net-picture [data-id=simclr]').focus()")
    press(browser, "\ue007")
    assert here(browser) == "graph.html?focus=supcon&depth=1&at=simclr"
    press(browser, "c")
    wait(browser, "return location.href.endsWith('compare.html?a=supcon&b=simclr')")
    graph(browser, home, "?focus=supcon&at=simclr")
    press(browser, "o")
    wait(browser, "return location.pathname.endsWith('methods/simclr.html')")
    graph(browser, home, "?focus=supcon&at=simclr")
    press(browser, "\ue00c")
    assert here(browser) == "graph.html?focus=supcon&depth=1"


def test_keys_can_be_turned_off_and_do_nothing_in_a_field(browser: Any, home: Path) -> None:
    visit(browser, home, "compare.html")
    find(browser, "#left").send_keys("g")
    press(browser, "t", "/", "?")
    assert find(browser, "#left").get_attribute("value") == "gt/?"
    visit(browser, home, "az.html")
    press(browser, "?")
    tick = find(browser, ".keys-help input")
    tick.click()
    press(browser, "\ue00c", "/")
    assert not browser.find_elements("css selector", "dialog.search[open]")
    visit(browser, home, "az.html")
    press(browser, "/")
    assert not browser.find_elements("css selector", "dialog.search[open]")
    js(browser, "localStorage.removeItem('iconograph-keys')")


# ---------------------------------------------------------------------- for everybody


def test_it_can_be_read_with_scripts_off(browser: Any, home: Path) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        for path, words in [
            ("index.html", "SupCon"), ("graph.html", "has the special case"),
            ("compare.html", "supcon"), ("methods/supcon.html", "Eq. 2"), ("az.html", "SupConLoss"),
        ]:  # fmt: skip
            visit(browser, home, path)
            assert words.lower() in js(browser, "return document.body.textContent").lower(), path
            assert not browser.find_elements("css selector", "#tools button"), "a script ran"
        visit(browser, home, "graph.html")
        find(browser, "#net-picture [data-id='simclr']").click()
        assert here(browser) == "methods/simclr.html"
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def kinds(folder: Path) -> list[str]:
    """A page of every kind."""
    methods = [f"methods/{name}.html" for name in ("supcon", "nerv", "jensen")]
    return sorted(p for p in pages(folder) if not p.startswith("methods/")) + methods


def test_no_page_is_hard_to_read_in_either_theme(browser: Any, home: Path) -> None:
    found = {}
    for path in kinds(home):
        visit(browser, home, path + ("?a=supcon&b=simclr" if path == "compare.html" else ""))
        if path == "compare.html":
            wait(browser, "return document.getElementById('comparison').dataset.ready")
        js(browser, "document.querySelectorAll('main details').forEach(x => { x.open = true; })")
        found[path] = b.violations(browser)
        b.dark(browser, True)
        found[path + " dark"] = b.violations(browser, "color-contrast", "link-in-text-block")
        b.dark(browser, False)
    visit(browser, home, "az.html")
    search(browser, "supcon")
    found["search"] = b.violations(browser)
    press(browser, "\ue00c", "?")
    found["keys"] = b.violations(browser)
    press(browser, "\ue00c")
    assert not {page: wrong for page, wrong in found.items() if wrong}


def test_nor_are_the_pages_of_gaps_and_of_false_claims(browser: Any, tmp_path: Path) -> None:
    made = judged("jsd-is-half-jeffreys", "k-means-sign", "t-supcon", "supcon")
    build.write(rendered(made, [*errata.pages(made), *gaps.pages(made)]), tmp_path / "site")
    for path in ("errata.html", "gaps.html"):
        visit(browser, tmp_path / "site", path)
        assert not b.violations(browser), path
        b.dark(browser, True)
        assert not b.violations(browser, "color-contrast", "link-in-text-block"), path
        b.dark(browser, False)


@pytest.mark.parametrize(("wrong", "rule"), [
    ("<button></button>", "button-name"), ("<input>", "label"),
    ("<p style='color: #bbb; background: #fff'>hard to read</p>", "color-contrast"),
])  # fmt: skip
def test_planted_barriers_are_noticed(browser: Any, home: Path, wrong: str, rule: str) -> None:
    visit(browser, home, "az.html")
    js(
        browser,
        "document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])",
        wrong,
    )
    assert any(found.startswith(f"{rule}:") for found in b.violations(browser, rule))


WIDER = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_no_page_is_wider_than_a_narrow_window(browser: Any, home: Path) -> None:
    b.width(browser, 320)  # a window of 1280 at 400 %
    try:
        found = {}
        for path in kinds(home):
            visit(browser, home, path)
            js(
                browser,
                "document.querySelectorAll('main details').forEach(x => { x.open = true; })",
            )
            found[path] = js(browser, WIDER)
        js(browser, "document.querySelector('main').insertAdjacentHTML('beforeend',"
                    " '<p style=\"width: 700px\">wide</p>')")  # fmt: skip
        assert js(browser, WIDER) > 0
    finally:
        b.width(browser, 0)
    assert not {page: n for page, n in found.items() if n > 0}


# ---------------------------------------------------------------------- what is vendored


def unlike(folder: Path) -> list[str]:
    """Files that are not what the manifest says, that it does not name, or that are missing."""
    manifest = json.loads((folder / "manifest.json").read_text())
    wrong = []
    named = {"manifest.json"}
    for name, known in manifest.items():
        named |= {name, *known["license_files"]}
        data = (folder / name).read_bytes()
        if hashlib.sha512(data).hexdigest() != known["sha512"]:
            wrong.append(f"{name} is another file")
        if f"v{known['version']}".encode() not in data[:300]:
            wrong.append(f"{name} is another version")
        if not known["license"] or not all((folder / x).is_file() for x in known["license_files"]):
            wrong.append(f"{name} has no licence")
    return wrong + sorted({p.name for p in folder.iterdir()} - named)


def test_vendored_files_are_those_of_the_manifest(tmp_path: Path) -> None:
    assert not unlike(VENDOR)
    for path in VENDOR.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "axe.min.js").write_bytes((VENDOR / "axe.min.js").read_bytes() + b" ")
    (tmp_path / "other.js").write_text("x")
    assert unlike(tmp_path) == ["axe.min.js is another file", "other.js"]
