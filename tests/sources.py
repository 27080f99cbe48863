"""Sources made of groups and labels alone."""

import numpy as np
import pandas as pd

from clrx.data.source import Source


def a_source(groups, labels, split=None, classes=("no", "yes")) -> Source:
    table = pd.DataFrame({"image": [f"i{k}" for k in range(len(groups))], "group": list(groups)})
    if split is not None:
        table["split"] = split
    labels = np.asarray(labels)
    task = "binary" if labels.ndim == 1 else "multilabel"
    return Source("made", task, classes, table, labels.astype(np.int64 if labels.ndim == 1 else np.uint8))
