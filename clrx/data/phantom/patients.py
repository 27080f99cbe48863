"""The patients of the phantom: who has what, how often they are imaged, how they are built."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from clrx.core.randomness import random_generator
from clrx.data.nih.labels import DISEASES, NO_FINDING

SHARE = {  # weight of each finding; flatter than in NIH, so that all can be learnt
    "Pneumothorax": 3.4,
    "Infiltration": 2.0,
    "Effusion": 1.6,
    "Atelectasis": 2.3,
    "Nodule": 2.2,
    "Mass": 2.2,
    "Consolidation": 2.0,
    "Pleural_Thickening": 2.4,
    "Cardiomegaly": 2.2,
    "Emphysema": 2.2,
    "Edema": 2.2,
    "Fibrosis": 2.2,
    "Pneumonia": 2.0,
    "Hernia": 2.4,
}
TOGETHER = (  # the second of a pair is five times as likely where the first is there
    ("Effusion", "Atelectasis"),
    ("Effusion", "Consolidation"),
    ("Effusion", "Infiltration"),
    ("Effusion", "Cardiomegaly"),
    ("Edema", "Cardiomegaly"),
    ("Edema", "Infiltration"),
    ("Pneumothorax", "Emphysema"),
    ("Pneumothorax", "Effusion"),
    ("Pneumonia", "Infiltration"),
    ("Pneumonia", "Consolidation"),
    ("Mass", "Nodule"),
    ("Fibrosis", "Pleural_Thickening"),
)
HEALTHY = 0.15  # share of patients without any finding
PRESENT = 0.88  # chance that a patient's finding is on one image


@dataclass(frozen=True)
class Population:
    """N images of P patients: the NIH columns, and what the drawing needs of each image."""

    table: pd.DataFrame  # image, labels, follow_up, patient, age, gender, view, test (official list)
    severity: np.ndarray  # (N, 14), 0 where the finding is absent, else up to 1
    side: np.ndarray  # (N, 14) -1 right, 1 left
    build: np.ndarray  # (N, 12) standard normal, alike in the images of one patient


def sample_population(seed: int, images: int) -> Population:
    """N = `images` images; patients have 2.4 on average. A pure function of its arguments."""
    generator = random_generator(seed, "phantom", "patients")
    sizes = 1 + np.minimum(generator.exponential(1.8, images).astype(np.int64), 11)
    patient = np.repeat(np.arange(images), sizes)[:images]
    count = int(patient[-1]) + 1
    has = _findings(generator, count)
    base = generator.beta(1.5, 1.7, (count, len(DISEASES)))
    side = generator.choice([-1.0, 1.0], (count, len(DISEASES)))
    build = generator.standard_normal((count, 12))
    present = has[patient] & (generator.random((images, len(DISEASES))) < PRESENT)
    severity = np.clip(base[patient] + 0.12 * generator.standard_normal(present.shape), 0.02, 1.0)
    shaken = 0.9 * build[patient] + 0.44 * generator.standard_normal((images, 12))
    table = _table(generator, patient, present)
    return Population(table, np.where(present, severity, 0.0), side[patient], shaken)


def _findings(generator: np.random.Generator, count: int) -> np.ndarray:
    """(P, 14) bool: none, or one to three findings, those that belong together more often."""
    weight = np.log([SHARE[name] for name in DISEASES])
    affinity = np.zeros((len(DISEASES), len(DISEASES)))
    for a, b in TOGETHER:
        i, j = DISEASES.index(a), DISEASES.index(b)
        affinity[i, j] = affinity[j, i] = np.log(5.0)
    first = (weight + generator.gumbel(size=(count, len(DISEASES)))).argmax(axis=1)
    score = weight + affinity[first] + generator.gumbel(size=(count, len(DISEASES)))
    further = generator.choice([0, 1, 2], count, p=[0.3, 0.4, 0.3])
    rank = np.argsort(np.argsort(-score, axis=1), axis=1)
    has = rank < further[:, None]
    has[np.arange(count), first] = True
    has[generator.random(count) < HEALTHY] = False
    return has


def _table(generator: np.random.Generator, patient: np.ndarray, present: np.ndarray) -> pd.DataFrame:
    count = patient[-1] + 1
    follow_up = np.arange(len(patient)) - np.searchsorted(patient, patient)
    age = np.clip(generator.normal(48, 17, count), 4, 90).astype(np.int64)[patient] + follow_up // 3
    sick = present.any(axis=1)
    labels = ["|".join(np.array(DISEASES)[row]) if row.any() else NO_FINDING for row in present]
    return pd.DataFrame(
        {
            "image": [f"phantom_{p + 1:08d}_{f:03d}.png" for p, f in zip(patient, follow_up, strict=True)],
            "labels": labels,
            "follow_up": follow_up,
            "patient": patient + 1,
            "age": age,
            "gender": generator.choice(["M", "F"], count, p=[0.56, 0.44])[patient],
            "view": np.where(generator.random(len(patient)) < 0.30 + 0.12 * sick, "AP", "PA"),
            "test": (generator.random(count) < 0.2)[patient],
        }
    )
