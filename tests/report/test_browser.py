"""The report in a real browser: nothing is requested, nothing complains, every figure shows, at both widths."""

import pytest
from browser import BROWSER, browser
from simulated import simulate_run, simulate_sweep

from clrx.report.make import make_report

WIDTHS = {"desktop": (1280, 900, False), "phone": (390, 844, True)}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium here (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("report") / "sweep"
    values = {
        "constant": [0.80, 0.81],
        "modified_triangular2": [0.83, 0.84],
        "<script>alert(1)</script>": [0.8, 0.8],
    }
    for k, (policy, aurocs) in enumerate(values.items()):
        simulate_sweep(root / str(k), {"a": aurocs}, facts={"choices": {"policy": policy}, "synthetic": True},
                       config={"policy": {"name": policy}})  # fmt: skip
    simulate_run(
        root / "dead", seed=7, state="failed", error="no room <script>alert(2)</script>", curve=[0.5]
    )
    return make_report([root])


@pytest.mark.parametrize("width", WIDTHS)
def test_the_report(talk, report, width):
    talk.open(report.as_uri(), *WIDTHS[width])
    assert talk.requests() == [report.as_uri()]
    assert talk.complaints() == []
    assert talk.value("[...document.images].filter(i => i.complete && i.naturalWidth > 100).length") >= 8 + 6
    assert talk.value("[...document.images].filter(i => !i.complete || !i.naturalWidth).length") == 0
    assert talk.value("document.scripts.length") == 0
    assert talk.value("document.documentElement.scrollWidth <= window.innerWidth")
    assert "What may be concluded" in talk.value("document.body.innerText")


def test_a_page_that_fetches_and_complains_would_be_found_out(talk, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png"><script>console.error("oh")</script>')
    talk.open(page.as_uri(), *WIDTHS["desktop"])
    assert "http://127.0.0.1:9/x.png" in talk.requests()
    assert any("oh" in str(complaint) for complaint in talk.complaints())
