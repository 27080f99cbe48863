"""The whole report, from run directories to its file."""

import csv
import xml.etree.ElementTree as ET
from html import unescape
from html.parser import HTMLParser

import pytest
from PIL import Image
from simulated import simulate_run, simulate_sweep

from clrx.report.comparison import compare
from clrx.report.figures import curve_pictures
from clrx.report.make import make_report

EVIL = '<script>alert("1")</script>'
SYNTHETIC = {"synthetic": True}


class Reader(HTMLParser):
    """Tags, the addresses they name, and their text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [
            value for name, value in attrs if name in ("src", "href", "srcset", "action", "data")
        ]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def made(tmp_path_factory, request):
    """A sweep of three policies, one with a hostile name, with a diverged, a failed and a killed run."""
    root = tmp_path_factory.mktemp("report") / "sweep"
    evil = {"choices": {"policy": EVIL, "dataset": "phantom", "model": "mobilenet"}, "policy": EVIL}
    simulate_sweep(root, {"constant": [0.80, 0.81], "triangular": [0.83, 0.84]}, facts=SYNTHETIC)
    for seed in (0, 1):
        config = {"published": [{"metric": "accuracy", "value": 0.9, "source": EVIL}]}
        simulate_run(root / f"evil{seed}", policy="evil", seed=seed, facts=evil | SYNTHETIC, config=config)
    for k, state in enumerate(("diverged", "failed", "running")):
        error = f"it was {state} {EVIL}" if state != "running" else None
        simulate_run(root / state, seed=5 + k, state=state, error=error, curve=[0.5, 0.6], facts=SYNTHETIC)
    return make_report([root])


@pytest.fixture(scope="module")
def page(made):
    return Reader(made.read_text())


def test_it_lies_in_the_first_directory(made):
    assert made.name == "report.html"
    assert made.parent.name == "report"
    assert made.parent.parent.name == "sweep"


def test_nothing_is_fetched_and_no_script_is_there(made, page):
    assert "script" not in page.tags
    assert page.addresses
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    style = made.read_text().split("<style>")[1].split("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in unescape(made.read_text())


def test_links_lead_somewhere(made, page):
    for address in page.addresses:
        if address.startswith("#"):
            assert f'id="{address[1:]}"' in made.read_text()


def test_hostile_names_are_shown_and_not_obeyed(made, page):
    assert EVIL not in made.read_text()
    assert EVIL in page.text


def test_every_run_that_did_not_complete_is_listed_with_its_end(page):
    assert "3 runs of 9 are not complete (1 diverged, 1 failed and 1 killed)" in page.text
    for words in ("it was diverged", "it was failed", "its process is gone"):
        assert words in page.text


def test_what_a_researcher_wants_is_there(page):
    for words in ("SYNTHETIC DATA", "What may be concluded", "Time to target", "AUROC of the test set",
                  "Some CPU", "2.15.0", "d" * 64, "5" * 64, "abcdef012345", "not comparable"):  # fmt: skip
        assert words in page.text


def test_figures_are_in_the_page_and_beside_it(made, page):
    names = [
        "calibration",
        "confusion",
        "differences",
        "means",
        "precision_recall",
        "roc",
        "training",
        "validation",
    ]
    assert sorted(file.stem for file in made.parent.glob("figures/*.png")) == names
    assert sorted(file.stem for file in made.parent.glob("figures/*.svg")) == names
    assert page.tags.count("img") == len(names) + 9  # and the curves of each run
    for file in made.parent.glob("figures/*"):
        if file.suffix == ".svg":
            assert ET.parse(file).getroot().tag.endswith("svg")
        else:
            Image.open(file).verify()


def test_tables_beside_it(made):
    assert (made.parent / "comparison.md").read_text().count("\n| constant |") >= 3
    assert (made.parent / "comparison.tex").read_text().count(r"\begin{tabular}") == 7
    assert EVIL not in (made.parent / "comparison.md").read_text()


@pytest.mark.parametrize(
    ("task", "classes"),
    [("multiclass", ("nv", "mel", "bkl")), ("multilabel", ("Effusion", "Mass", "Hernia"))],
)
def test_a_single_run_of_several_classes(blank_pictures, run, tmp_path, task, classes):
    found = Reader(make_report([run(tmp_path / "run", task=task, classes=classes)]).read_text())
    assert "One seed has no spread" in found.text
    assert "Time to target" not in found.text  # there is nobody to race with
    assert found.tags.count("img") == 6


def test_no_run_completed(blank_pictures, run, tmp_path):
    run(tmp_path / "s" / "a", state="failed", error="no room", curve=[])
    run(tmp_path / "s" / "b", policy="triangular", state="diverged", curve=[0.5])
    (tmp_path / "s" / "c").mkdir()
    (tmp_path / "s" / "c" / "run.json").write_text("{")
    found = Reader(make_report([tmp_path / "s"]).read_text())
    assert "3 runs of 3 are not complete (1 failed, 1 diverged and 1 unreadable)" in found.text
    assert "no room" in found.text


def test_the_same_runs_give_the_same_figures(run, tmp_path):
    run(tmp_path / "a", curve=[0.5, 0.6])
    first, second = (list(curve_pictures(compare([tmp_path]))) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("scale", "times"), [(0.1, True), (1.0, False)])
def test_every_number_of_a_scaled_run_is_marked(blank_pictures, run, tmp_path, scale, times):
    published = [{"metric": "accuracy", "value": 0.8, "source": "A paper"}]
    for seed in (0, 1):
        run(tmp_path / "s" / str(seed), seed=seed, config={"scale": scale, "published": published})
    place = make_report([tmp_path / "s"]).parent
    mark = f"SCALED DOWN (scale={scale:g})"
    for name, title in (("comparison.md", "**"), ("comparison.tex", "caption{")):
        titles = [line for line in (place / name).read_text().splitlines() if title in line]
        assert titles
        assert all((mark in line) is times for line in titles)
    for name in ("comparison.csv", "runs.csv"):
        with (place / name).open() as file:
            assert {row["scale"] for row in csv.DictReader(file)} == {str(scale)}
    assert (mark in (place / "report.html").read_text()) is times
