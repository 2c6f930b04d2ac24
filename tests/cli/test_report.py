"""The report page: it shows what is there, asks for nothing, and nothing foreign in it is markup."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import stat
import subprocess
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ragcli.cli.showing.report_page import report_page
from ragcli.steps.overviewing import Overview, make_overview
from ragcli.types import Root, StoredSource, StoreStats
from tests.cli.conftest import InProcess

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LOADING = {"src", "srcset", "data", "poster", "background", "action", "formaction", "cite", "ping", "manifest"}
EVIL = "<script>fetch('http://evil')</script><img src=x onerror=alert(1)>\x1b[2J\"'&"


def an_overview(count: int = 3, name: str = "file") -> Overview:
    sources = [
        StoredSource(f"{n}", Path(f"/f/{name}{n}.md"), "main", 10, 10**18, 1, "", "", 1, title=f"{name} {n}")
        for n in range(count)
    ]
    sources.append(StoredSource("s", Path(f"/f/{EVIL}.pdf"), "main", 1, 0, 1, "", "", 0, "encrypted", EVIL))
    places = {f"{n}": (n / max(1, count), 0.3) for n in range(count)}
    return make_overview(sources, StoreStats(count, count, 1, 10**6, 10**18, None), [Root(Path("/f"), "main")], places, 1.7e9)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))


def test_the_page_refers_to_nothing_but_itself() -> None:
    text = report_page(an_overview(name=EVIL), {"set": EVIL, "retrieval": {"recall@1": 0.5}})
    page = Page(text)
    for tag, attributes in page.tags:
        assert not LOADING & set(attributes), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], attributes
        assert (attributes.get("href") or "#").startswith(("#", "data:,")), attributes
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"img", "iframe", "object", "embed", "form", "base"} & {tag for tag, _ in page.tags}
    assert "\x1b" not in text
    assert not re.search(r"url\(|@import|https?://", re.sub(r"&[^;]*;", "", text.replace("http://evil", "")))


def test_the_policy_allows_this_script_and_this_style_and_nothing_else() -> None:
    page = Page(report_page(an_overview()))
    (policy,) = [attributes["content"] for tag, attributes in page.tags if attributes.get("http-equiv")]
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]+'", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]+'", rules["style-src"])
    assert set(rules) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}


def test_it_can_be_used_with_the_keyboard_and_read_aloud() -> None:
    page = Page(report_page(an_overview()))
    by_id = {attributes["id"]: (tag, attributes) for tag, attributes in page.tags if "id" in attributes}
    assert ("html", {"lang": "en"}) in page.tags
    assert by_id["files"][1]["role"] == "listbox"
    assert by_id["files"][1]["tabindex"] == "0"
    assert {attributes["for"] for tag, attributes in page.tags if tag == "label"} <= set(by_id)
    assert all(attributes.get("scope") for tag, attributes in page.tags if tag == "th")
    assert len([tag for tag, _ in page.tags if tag == "h1"]) == 1


def test_the_command_writes_a_private_file_once(run: InProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = run("report")
    assert (first.exit_code, first.stdout, "open it in a browser" in first.stderr) == (0, "", True)
    file = tmp_path / "ragcli-report.html"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "lease" in file.read_text()
    assert run("report").exit_code == 6
    assert run("report", "--force").exit_code == 0
    assert run("report", "-").stdout.startswith("<!DOCTYPE html>")


def test_figures_of_an_evaluation_are_shown(run: InProcess, tmp_path: Path) -> None:
    (tmp_path / "eval.json").write_text(json.dumps({"set": "handbook", "retrieval": {"recall@1": 0.5}}))
    page = run("report", "-", "--evaluation", str(tmp_path / "eval.json")).stdout
    assert "recall@1" in page
    assert "Measured on: handbook." in page
    (tmp_path / "eval.json").write_text("[]")
    assert run("report", "-", "--evaluation", str(tmp_path / "eval.json")).exit_code == 6


def test_nothing_indexed_is_no_report(run: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_EMPTY", "1")
    assert run("report", "-").exit_code == 4


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_in_a_browser_it_asks_for_nothing_and_its_search_works(tmp_path: Path) -> None:
    """Served by a server that counts: one request for the page and none after it. The search is typed by a script beside."""
    asked: list[str] = []
    page = report_page(an_overview(30, name=f"{EVIL} number"))
    probe = (
        "<script>addEventListener('load', () => { search.value = 'number 7'; search.dispatchEvent(new Event('input'));"
        "search.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowDown'}));"
        "const all = (what) => document.querySelectorAll(what).length;"
        "document.title = [...files.children].filter(item => !item.hidden).length + ' shown, '"
        " + all('circle.on') + ' marked, ' + all('img, iframe') + ' foreign'; });</script>"
    )
    content = page.replace("</body>", probe + "</body>")
    digest = re.search(r"script-src ('sha256-[^']+')", content)
    assert digest
    # The probe alone is let through by its own rule; the page's own policy is otherwise as it was.
    content = content.replace(digest[1], digest[1] + " " + digest_of(probe), 1)

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        done = subprocess.run(
            [str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}", "--dump-dom", url],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        server.shutdown()
    assert asked == ["/"], done.stderr[-500:]
    assert "<title>3 shown, 1 marked, 0 foreign</title>" in done.stdout


def digest_of(element: str) -> str:
    from ragcli.cli.showing.report_page import _digest

    return _digest(element.removeprefix("<script>").removesuffix("</script>"))
