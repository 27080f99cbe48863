"""The tables and figures that Chopade et al. 2021 give of ChestX-ray14, from the label table alone.

doi:10.21203/rs.3.rs-1129014/v1, section A2 with Table 1 and figures 1 and 2, section A3 with Tables 2 and 3.
"""

from typing import Any

import pandas as pd
import yaml

from clrx.core.paths import conf_dir
from clrx.data.nih.files import find_files, label_table
from clrx.data.nih.labels import DISEASES, NO_FINDING, one_hot, read_table
from clrx.survey.numbers import Cell, Numbers

ORDER = (  # of the rows in the paper's tables
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Emphysema", "Effusion", "Fibrosis"),
    *("Infiltration", "Mass", "Nodule", "Pneumothorax", "Pneumonia", "Pleural_Thickening", "Hernia"),
)
TOP = 15  # label combinations in figure 1
TEST = 5  # one image in so many tests: "a 1:4-fold split of test to training set" (A3.1)
SLIPS = {"Atelectasis": 23599, "Hernia": 447}  # totals in Tables 2 and 3 that are not the sums of their rows,
RIGHT = (
    ("Atelectasis", 23559),
    ("Hernia", 477),
)  # though the training and test images that they give are of the sums
SLIP = "Printed: what the paper has for a total that is not the sum of its row, a slip."


def tables(root: str | None, table: str | None = None) -> list[Numbers]:
    """Figures 1 and 2 and Tables 1, 2 and 3, of the label table in `root`. Raises UserError."""
    path = label_table(find_files(root), table)
    frame, digest = read_table(path)
    labels, diseases = frame["labels"], _diseases()
    having = dict(zip(DISEASES, one_hot(labels).sum(axis=0).tolist(), strict=True))
    having[NO_FINDING] = int((labels == NO_FINDING).sum())
    sizes = _sizes(having, diseases)
    about = f"{path.name}, {len(frame):,} images, sha256 {digest[:12]}."
    return [
        _table_1(labels, having, about),
        _table_2(having, sizes),
        _table_3(sizes, diseases),
        _figure_1(labels),
        _figure_2(having),
    ]


def _diseases() -> dict[str, dict[str, Any]]:
    """conf/disease by label: Table 2's images of No Finding and Table 3's batch sizes are written there."""
    files = sorted((conf_dir() / "disease").glob("*.yaml"))
    found = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return {one["label"]: one for one in found}


def _sizes(having: dict[str, int], diseases: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    """(No Finding, total, test) images of each binary classifier; a fifth tests, rounded up (scikit-learn's rule)."""
    healthy = {name: min(diseases[name]["no_finding"], having[NO_FINDING]) for name in ORDER}
    totals = {name: having[name] + healthy[name] for name in ORDER}
    return {name: (healthy[name], totals[name], -(-totals[name] // TEST)) for name in ORDER}


def _table_1(labels: pd.Series, having: dict[str, int], about: str) -> Numbers:
    alone = labels.value_counts()
    rows = [(_spelt(name), int(alone.get(name, 0)), having[name]) for name in (NO_FINDING, *ORDER)]
    title = "Chopade et al. 2021, Table 1: images before and after one-hot encoding"
    header = ("Image label", "before: label alone", "after: label among others")
    note = f"{labels.nunique():,} distinct labels ({NO_FINDING} and each combination of diseases). {about}"
    return Numbers("chopade2021_table_1", title, header, tuple(rows), note)


def _table_2(having: dict[str, int], sizes: dict[str, tuple[int, int, int]]) -> Numbers:
    rows: list[tuple[Cell, ...]] = []
    for name, (healthy, total, test) in sizes.items():
        rows.append((_spelt(name), having[name], healthy, total, total - test, test, _printed(name, total)))
    title = "Chopade et al. 2021, Table 2: images of the binary classifiers"
    header = ("Binary classifier", "disease", NO_FINDING, "total", "training 80%", "test 20%", "printed")
    note = f"The test set is a fifth of all images, rounded up. {SLIP}"
    return Numbers("chopade2021_table_2", title, header, tuple(rows), note)


def _table_3(sizes: dict[str, tuple[int, int, int]], diseases: dict[str, Any]) -> Numbers:
    rows: list[tuple[Cell, ...]] = []
    for name, (_, total, test) in sizes.items():
        batch = int(diseases[name]["batch_size"])
        batches = -(-(total - test) // batch), -(-test // batch)
        rows.append((_spelt(name), total, batch, *batches, _printed(name, total)))
    title = "Chopade et al. 2021, Table 3: batches of the binary classifiers"
    header = ("Binary classifier", "total", "batch size", "training batches", "test batches", "printed")
    return Numbers(
        "chopade2021_table_3", title, header, tuple(rows), f"The last batch may be smaller. {SLIP}"
    )


def _figure_1(labels: pd.Series) -> Numbers:
    rows = tuple((_spelt(str(name)), int(count)) for name, count in labels.value_counts().head(TOP).items())
    title = f"Chopade et al. 2021, figure 1: the {TOP} most frequent of {labels.nunique():,} labels"
    return Numbers("chopade2021_figure_1", title, ("label", "images"), rows, bars=(1,))


def _figure_2(having: dict[str, int]) -> Numbers:
    rows = tuple((_spelt(name), having[name]) for name in (NO_FINDING, *ORDER))
    title = "Chopade et al. 2021, figure 2: images by label after one-hot encoding"
    return Numbers("chopade2021_figure_2", title, ("label", "images"), rows, bars=(1,))


def _printed(name: str, total: int) -> int | None:
    """What the paper prints for a total that it prints wrongly; None for all others, and for other data."""
    return SLIPS[name] if (name, total) in RIGHT else None


def _spelt(name: str) -> str:
    return name.replace("_", " ").replace("|", " + ")
