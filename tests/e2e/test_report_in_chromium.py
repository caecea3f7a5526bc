"""The report's page in a real browser. The reports are files; nothing is served."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from rynxs.report.page import page
from rynxs.report.timeline import KEYFRAME_EVERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.conftest import Cli

pytest.importorskip(
    "selenium", reason="selenium is not installed: the report is not tested in a browser"
)

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
HOSTILE = "</script><img src=x onerror=window.hit=1><b>&lt;${1}`"
WORKER = "universe.ai/Agent/default/worker"
FOCUSABLE = "a[href], button, input, select, summary, [tabindex='0']"
ROWS_MAX = 60


class Page:
    """A report in the browser."""

    def __init__(self, driver: webdriver.Chrome, file: Path) -> None:
        self.driver = driver
        self.messages("performance")
        self.messages("browser")
        driver.get(file.as_uri())

    def one(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[Any]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command: str, **parameters: Any) -> Any:
        return self.driver.execute_cdp_cmd(command, parameters)

    def choose(self, subject: str) -> None:
        self.one("#subject-filter").send_keys(Keys.CONTROL, "a")
        self.one("#subject-filter").send_keys(subject)
        (radio,) = self.all("#subject-list input")
        radio.send_keys(Keys.SPACE)

    def state(self) -> dict[str, Any] | None:
        """Return the state that the state panel shows as JSON, None if it shows none."""
        if not self.all("#state-json"):
            return None
        if not self.one(".as-json").get_attribute("open"):
            self.one(".as-json summary").send_keys(Keys.ENTER)
        # The page writes it when it is told of the opening, which a browser does a moment later.
        text = WebDriverWait(self.driver, 20).until(
            lambda _: self.one("#state-json").get_property("textContent")
        )
        shown: dict[str, Any] = json.loads(text)
        return shown

    def messages(self, kind: str) -> list[dict[str, Any]]:
        """Return what the browser has noted since this was last asked."""
        found: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return found

    def complaints(self) -> list[dict[str, Any]]:
        return self.messages("browser")

    def requests(self) -> list[str]:
        messages = [json.loads(e["message"])["message"] for e in self.messages("performance")]
        return [
            each["params"]["request"]["url"]
            for each in messages
            if each["method"] == "Network.requestWillBeSent"
        ]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("chromium and chromedriver are not there: the report is not tested in them")
    options = webdriver.ChromeOptions()
    options.binary_location = str(programs[0])
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    made = webdriver.Chrome(options=options, service=Service(str(programs[1])))
    yield made
    made.quit()


@pytest.fixture
def log(
    cli: Cli, agent: Callable[..., dict[str, Any]], write: Callable[..., Path], tmp_path: Path
) -> str:
    """A log of three runs: an agent that changes, one that goes, one with hostile texts."""
    provider = {"kind": "openai", "baseUrl": "https://llm.example.org/v1", "model": HOSTILE}
    cli("keys", "generate", "key")
    runs = (
        [agent("worker"), agent("lead"), agent("odd", provider=provider)],
        [agent("worker", tools={"allow": ["shell", "browser"]}), agent("odd")],
        [agent("worker", suspend=True, tools={"allow": ["browser"]}), agent("odd")],
    )
    for day, manifests in enumerate(runs, 1):
        done = cli(
            "run", write("m.yaml", *manifests), "--log", "file:log", "--signer", "ed25519:key",
            "--clock", f"fixed:2026-02-0{day}T10:00:00Z", "--prune",
        )  # fmt: skip
        assert done.status == 0, done.err
    return "file:log"


@pytest.fixture
def opened(cli: Cli, log: str, driver: webdriver.Chrome, tmp_path: Path) -> Page:
    done = cli("report", "--log", log, "--key", "key.pub", "--html", "report.html")
    assert done.status == 0, done.err
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    return Page(driver, tmp_path / "report.html")


@pytest.mark.parametrize("name", ["worker", "lead", "odd"])
def test_the_slider_moved_by_keyboard_shows_the_state_that_replay_shows(
    cli: Cli, log: str, opened: Page, name: str
) -> None:
    subject = f"universe.ai/Agent/default/{name}"
    opened.choose(subject)
    opened.one("#tab-timeline").send_keys(Keys.ARROW_RIGHT)
    slider = opened.one("#point")
    last = int(slider.get_attribute("max"))
    slider.send_keys(Keys.HOME)
    for seq in range(last + 1):
        assert slider.get_property("value") == str(seq)
        replayed = cli("replay", "--log", log, "--at", seq, "--json").json()
        expected = next((e for e in replayed["subjects"] if e["subject"] == subject), None)
        shown = opened.state()
        assert (shown is not None and shown["live"]) == (expected is not None), seq
        if shown is not None and expected is not None:
            assert shown["slice"] == expected["slice"], seq
            digests = {row["id"]: row["digest"] for row in expected["manifests"]}
            assert {key: row["digest"] for key, row in shown["manifests"].items()} == digests
        slider.send_keys(Keys.ARROW_RIGHT)


def test_differences_name_the_field_both_values_and_who_brought_it(opened: Page) -> None:
    opened.choose(WORKER)
    opened.one("#tab-timeline").send_keys(Keys.END)
    base = opened.one("#base-number")
    base.send_keys(Keys.CONTROL, "a")
    base.send_keys("8", Keys.TAB)
    rows = [row.text.split("\n") for row in opened.all("#difference-rows tbody tr")]
    (suspended,) = [row for row in rows if row[0] == "spec.suspend"]
    assert suspended[:5] == ["spec.suspend", "was", "false", "now", "true"]
    assert suspended[6:] == ["Agent observed", "fixed", "not authenticated"]


def test_no_request_is_made_and_nothing_is_complained_of(opened: Page, tmp_path: Path) -> None:
    for tab in ("state", "differences", "timeline"):
        opened.one(f"#tab-{tab}").click()
        opened.one("#point").send_keys(Keys.ARROW_LEFT)
    assert opened.requests() == [(tmp_path / "report.html").as_uri()]
    assert opened.complaints() == []


def test_texts_of_the_log_are_shown_and_do_nothing(opened: Page) -> None:
    opened.choose("universe.ai/Agent/default/odd")
    opened.one("#point").send_keys(Keys.HOME)
    for _ in range(6):
        opened.one("#point-next").send_keys(Keys.ENTER)
        for tab in ("timeline", "state", "differences"):
            opened.one(f"#tab-{tab}").send_keys(Keys.ENTER)
    opened.one("#tab-timeline").send_keys(Keys.ENTER)
    for more in opened.all("button.more"):
        more.send_keys(Keys.ENTER)
    assert HOSTILE in opened.one("#timeline-rows").get_property("textContent")
    assert opened.all("main img, main b") == []
    assert opened.run("return window.hit === undefined")
    assert opened.complaints() == []


def test_a_tour_by_tab_key_reaches_every_control_and_shows_where_it_is(opened: Page) -> None:
    opened.one("#tab-state").click()
    expected = opened.run(
        """const radios = (e) => e.type !== "radio" || e.checked;
        return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()
          && !e.disabled && e.tabIndex >= 0 && radios(e)).length""",
        FOCUSABLE,
    )
    opened.run("document.querySelector('.skip').focus()")
    active = opened.driver.switch_to.active_element
    reached: list[Any] = []
    while active.tag_name != "body" and active not in reached:
        reached.append(active)
        active.send_keys(Keys.TAB)
        active = opened.driver.switch_to.active_element
        outline = opened.run("return getComputedStyle(arguments[0]).outlineStyle", active)
        assert active.tag_name == "body" or outline != "none"
    assert len(reached) == expected


def test_every_control_has_a_name_for_those_who_do_not_see_it(opened: Page) -> None:
    for tab in ("timeline", "state", "differences"):
        opened.one(f"#tab-{tab}").click()
        controls = [each for each in opened.all(FOCUSABLE) if each.is_displayed()]
        unnamed = [
            each.get_attribute("outerHTML")
            for each in controls
            if each.tag_name != "pre" and not each.accessible_name
        ]
        assert unnamed == []
    assert opened.one("#tab-differences").get_attribute("aria-selected") == "true"
    assert opened.one("#point").get_attribute("aria-valuetext").startswith("Record ")


def test_a_link_to_a_record_shows_it(opened: Page) -> None:
    opened.one("#summary td a[href='#record-8'], #summary td a").click()
    assert opened.run("return location.hash").startswith("#record-")
    seq = opened.run("return location.hash").removeprefix("#record-")
    assert opened.one("#point-number").get_property("value") == seq
    assert opened.one("tr[aria-current] .record").text == seq


def test_it_is_dark_where_that_is_preferred_and_legible(opened: Page) -> None:
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        opened.cdp("Emulation.setEmulatedMedia", features=[feature])
        ground = opened.run("return getComputedStyle(document.body).backgroundColor")
        assert (_luminance(ground) < 0.1) == (scheme == "dark")
        for selector in ("body", ".lead", "th", "nav a", ".badge", ".kind", "del", "ins"):
            opened.one("#tab-timeline").click()
            colours = opened.run(
                """const e = document.querySelector(arguments[0]); let g = e;
                while (getComputedStyle(g).backgroundColor === "rgba(0, 0, 0, 0)")
                  g = g.parentElement || document.body;
                return [getComputedStyle(e).color, getComputedStyle(g).backgroundColor]""",
                selector,
            )
            light, dark = sorted(map(_luminance, colours), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (scheme, selector, colours)  # WCAG 2 AA


def _luminance(colour: str) -> float:
    """Return the relative luminance of ``rgb(r, g, b)`` (WCAG 2)."""
    parts = [int(p) / 255 for p in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_on_paper_there_is_every_timeline_and_afterwards_none(opened: Page) -> None:
    opened.run(
        """window.addEventListener("beforeprint", () => {
          window.printed = document.getElementById("paper-timelines").querySelectorAll("tr").length;
        })"""
    )
    done = opened.cdp("Page.printToPDF", printBackground=True, preferCSSPageSize=True)
    pdf = base64.b64decode(done["data"])
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type/Page\n") > 1
    records = int(opened.one("#point").get_attribute("max")) + 1
    subjects = opened.run("return document.querySelectorAll('#subject-list input').length") - 1
    assert opened.run("return window.printed") == records + subjects  # a head row each
    assert opened.run("return document.getElementById('paper-timelines').children.length") == 0


def test_an_erased_payload_makes_the_state_unknown_until_the_next_observation(
    cli: Cli, log: str, driver: webdriver.Chrome, tmp_path: Path
) -> None:
    (seq,) = [
        each["seq"]
        for each in cli("log", "list", "--log", log, "--json").json()["records"]
        if each["subject"] == WORKER and each["kind"] == "AgentObserved"
    ][1:2]
    assert cli("log", "redact", seq, "--reason", "asked for", "--log", log).status == 0
    assert cli("report", "--log", log, "--html", "redacted.html").status == 0
    opened = Page(driver, tmp_path / "redacted.html")
    opened.choose(WORKER)
    assert len([b for b in opened.all(".events .badge") if b.text == "payload erased"]) == 2
    opened.one("#tab-state").click()
    field = opened.one("#point-number")
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(str(seq + 1), Keys.ENTER)
    text = opened.one("#panel-state").text
    assert "Not known: a payload that it was made from is erased." in text
    assert "Not known: the payload of the plan is erased." in text
    opened.one("#point").send_keys(Keys.END)
    assert "Not known" not in opened.one("#panel-state").text


@pytest.mark.parametrize("width", [320, 390, 768])
def test_it_fits_a_narrow_screen(opened: Page, width: int) -> None:
    opened.cdp(
        "Emulation.setDeviceMetricsOverride",
        width=width, height=800, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    for tab in ("timeline", "state", "differences"):
        opened.one(f"#tab-{tab}").send_keys(Keys.ENTER)
        assert opened.run("return document.documentElement.scrollWidth") <= width, tab


def test_without_its_script_a_summary_remains(opened: Page, tmp_path: Path) -> None:
    opened.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        opened.driver.get((tmp_path / "report.html").as_uri())
        text = opened.one("body").text
    finally:
        opened.cdp("Emulation.setScriptExecutionDisabled", value=False)
    for part in ("This log verifies, and is signed.", "rynxs log verify --log", WORKER):
        assert part in text
    assert "Previous event" not in text


def test_50000_events_of_1000_subjects_keep_the_page_small(
    driver: webdriver.Chrome, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    document = _many(25_000, 1_000)
    file = tmp_path / "many.html"
    file.write_text(page(document))
    opened = Page(driver, file)
    timing = opened.run("return performance.getEntriesByType('navigation')[0].toJSON()")
    figures = {"file MB": file.stat().st_size / 1e6, "interactive ms": timing["domComplete"]}
    assert opened.one("#point").get_attribute("max") == "50000"
    printed = opened.run(
        """dispatchEvent(new Event("beforeprint"));
        const rows = document.querySelectorAll("#paper-timelines tbody tr").length;
        const text = document.querySelector("#paper-timelines p").textContent;
        dispatchEvent(new Event("afterprint")); return [rows, text]"""
    )
    assert printed[0] == 2_000
    assert "48,001 more events" in printed[1]
    for subject, seq in (("note-0999", 50_000), ("note-0000", 24_003), ("note-0500", 1_001)):
        opened.choose(f"/{subject}")
        for tab in ("timeline", "differences", "state"):
            opened.one(f"#tab-{tab}").click()
            assert len(opened.all("tr")) < ROWS_MAX * 4
            figures[f"{subject} {tab} ms"] = opened.run(
                """const [seq, slider] = [arguments[0], document.getElementById("point")];
                slider.value = seq; const start = performance.now();
                slider.dispatchEvent(new Event("input")); document.body.offsetHeight;
                return performance.now() - start""",
                seq,
            )
        number = int(subject[-4:])
        rounds = [r for r in range(25) if 2 * (r * 1_000 + number) + 1 <= seq]
        shown = opened.state()
        assert shown is not None
        assert shown["slice"] == {"round": rounds[-1], "wide": 2**60 + rounds[-1]}
    assert opened.complaints() == []
    for name, figure in figures.items():
        record_property(name, figure)


def test_a_subject_with_50000_events_is_answered_from_its_keyframes(
    driver: webdriver.Chrome, tmp_path: Path
) -> None:
    file = tmp_path / "long.html"
    file.write_text(page(_many(25_000, 1)))
    opened = Page(driver, file)
    opened.choose("/note-0000")
    opened.one("#tab-state").click()
    for seq in (50_000, 1, 25_000, 24_999, 30_001):
        field = opened.one("#point-number")
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(str(seq), Keys.ENTER)
        shown = opened.state()
        assert shown is not None
        assert shown["slice"]["round"] == (seq - 1) // 2
    assert len(opened.all("tr")) < ROWS_MAX * 4
    assert opened.complaints() == []


def _many(observations: int, subjects: int) -> dict[str, Any]:
    """Return a document of an epoch's start and so many observations, each with its plan."""
    head = {"epoch": 1, "time": "2026-01-01T00:00:00.000000Z"}
    events: list[dict[str, Any]] = [
        head | {"seq": 0, "kind": "EpochStarted", "subject": "", "title": "A writer began"}
    ]
    states: dict[str, dict[str, Any]] = {}
    counts: dict[str, int] = {}

    def add(kind: str, subject: str, changes: list[dict[str, Any]], **more: Any) -> None:
        entry = head | {"seq": len(events), "kind": kind, "subject": subject, "title": kind}
        entry |= {"changes": changes, **more}
        counts[subject] = counts.get(subject, 0) + 1
        if counts[subject] % KEYFRAME_EVERY == 0:
            entry["state"] = json.loads(json.dumps(states[subject]))
        events.append(entry)

    for number in range(observations):
        subject = f"example.org/Note/default/note-{number % subjects:04}"
        now = {"round": number // subjects, "wide": 2**60 + number // subjects}
        before = states.get(subject)
        digest = f"{number:064x}"
        states[subject] = {"live": True, "manifests": {}, "slice": now}
        if before is None:
            changes = [{"path": ["live"], "before": False, "after": True}]
            changes.append({"path": ["slice"], "after": now})
            planned = {
                "path": ["manifests", "v1/X/a"],
                "after": {"digest": digest, "retain": False},
            }
        else:
            states[subject]["manifests"] = before["manifests"]
            changes = [
                {"path": ["slice", k], "before": before["slice"][k], "after": v}
                for k, v in now.items()
            ]
            planned = {"path": ["manifests", "v1/X/a", "digest"], "before": "", "after": digest}
        add("NoteObserved", subject, changes, actor={"name": "alice", "authenticated": True})
        states[subject]["manifests"] = {"v1/X/a": {"digest": digest, "retain": False}}
        add("Planned", subject, [planned], cause=len(events) - 1)
    names = sorted(states)
    size = len(events)
    return {
        "madeBy": "rynxs==0",
        "log": {
            "origin": "many", "size": size, "head": "00", "root": "AA",
            "firstTime": head["time"], "lastTime": head["time"],
        },
        "verification": {"statements": [], "commands": [], "keys": [], "checkpoints": []},
        "epochs": [],
        "findings": [],
        "subjects": [
            {"subject": name, "live": True, "events": counts[name], "firstSeq": 0, "lastSeq": 0}
            for name in names
        ],
        "events": events,
    }  # fmt: skip
