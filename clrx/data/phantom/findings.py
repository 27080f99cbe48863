"""The radiographic signs of the 14 findings of ChestX-ray14, drawn into synthetic radiographs.

A sign has up to two halves: what it does to the body before the anatomy is drawn (a wide heart, a low
diaphragm), and the shadow that it casts. Shadows add to the density of the chest, within the lungs mostly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from clrx.data.phantom.anatomy import Array, Body, Chest, blob, ramp

Uniform = Callable[[float, float], Array]


@dataclass(frozen=True)
class Case:
    """b images that share a finding."""

    severity: Array  # (b, 1, 1) in (0, 1]
    side: Array  # (b, 1, 1) -1 the patient's right, 1 the left
    uniform: Uniform  # (low, high) -> (b, 1, 1), other numbers at each call
    texture: Callable[[str], Array]  # (b, H, W) of one of exposure.TEXTURES


def _raise_diaphragm(body: Body, case: Case, by: Array) -> None:
    body.dome_right -= np.where(case.side < 0, by, 0.0)
    body.dome_left -= np.where(case.side > 0, by, 0.0)


def _on_side(chest: Chest, case: Case) -> Array:
    return ramp(case.side * chest.x, 0.03)


def _position(chest: Chest, case: Case, low: float, high: float) -> tuple[Array, Array]:
    """A point in the lung of the case's side, between two heights."""
    y = case.uniform(low, high)
    return case.side * (0.26 + case.uniform(0.0, 0.30) * ramp(y + 0.75, 0.5)), y


def atelectasis_body(body: Body, case: Case) -> None:
    _raise_diaphragm(body, case, 0.03 + 0.10 * case.severity)


def atelectasis(chest: Chest, case: Case) -> None:
    """Plate-like bands above a raised diaphragm."""
    for _ in range(2):
        line = chest.above - case.uniform(0.06, 0.30) + case.uniform(-0.35, 0.35) * (chest.u - 0.4)
        band = ramp(0.028 - np.abs(line), 0.02) * ramp(0.24 - np.abs(chest.u - case.uniform(0.32, 0.5)), 0.06)
        chest.density += (0.10 + 0.18 * case.severity) * band * _on_side(chest, case) * chest.field


def cardiomegaly_body(body: Body, case: Case) -> None:
    """A heart wider than half of the chest."""
    body.heart *= 1.14 + 0.30 * case.severity


def effusion(chest: Chest, case: Case) -> None:
    """Fluid that blunts the costophrenic angle and climbs along the chest wall."""
    level = 0.10 + 0.55 * case.severity + 0.16 * np.exp(chest.wall * -9.0)
    height = chest.above + 0.26 - 1.6 * np.clip(chest.u - 0.36, 0.0, 0.4) ** 2  # above the angle's bottom
    fluid = ramp(level - height, 0.05) * _on_side(chest, case) * chest.field
    chest.density += fluid * (0.04 + 0.30 * chest.lung)
    chest.vessels *= 1.0 - fluid


def infiltration(chest: Chest, case: Case) -> None:
    """Faint, ill-defined patches."""
    for _ in range(2):
        cx, cy = _position(chest, case, -0.4, 0.3)
        patch = blob(chest.x, chest.y, cx, cy, case.uniform(0.22, 0.4), case.uniform(0.22, 0.4))
        cloud = np.clip(0.6 + 0.7 * case.texture("fine"), 0.0, 2.0)
        chest.density += (0.06 + 0.12 * case.severity) * patch * cloud * chest.lung


def mass(chest: Chest, case: Case) -> None:
    """One round opacity of more than 3 cm, lobulated."""
    cx, cy = _position(chest, case, -0.4, 0.25)
    radius = (0.11 + 0.10 * case.severity) * (1.0 + 0.12 * case.texture("soft"))
    shadow = blob(chest.x, chest.y, cx, cy, radius, radius * case.uniform(0.8, 1.2))
    chest.density += (0.20 + 0.12 * case.severity) * shadow * chest.field


def nodule(chest: Chest, case: Case) -> None:
    """One to three small round opacities."""
    for number in range(3):
        cx, cy = _position(chest, case, -0.5, 0.3)
        radius = 0.045 + 0.035 * case.uniform(0.3, 1.0) * (0.5 + case.severity)
        there = 1.0 if number == 0 else case.uniform(0.0, 1.0) < 0.4
        shadow = there * blob(chest.x, chest.y, cx, cy, radius, radius)
        chest.density += (0.16 + 0.16 * case.severity) * shadow * chest.field


def pneumonia(chest: Chest, case: Case) -> None:
    """One fluffy focus in a lower or middle zone."""
    cx, cy = _position(chest, case, -0.1, 0.32)
    focus = blob(chest.x, chest.y, cx, cy, case.uniform(0.2, 0.34), case.uniform(0.2, 0.34))
    fluff = np.clip(0.8 + 0.5 * case.texture("soft"), 0.0, 2.0)
    chest.density += (0.12 + 0.18 * case.severity) * focus * fluff * chest.lung


def pneumothorax(chest: Chest, case: Case) -> None:
    """A thin pleural line off the chest wall, and beyond it a dark edge without vessels."""
    depth = (0.05 + 0.22 * case.severity) * (1.0 - case.uniform(0.2, 0.7) * ramp(chest.y, 0.7))
    inside = _on_side(chest, case) * chest.field
    gap = ramp(depth - chest.wall, 0.012) * inside
    line = ramp(0.014 - np.abs(chest.wall - depth), 0.010) * inside
    chest.density += 0.09 * line - (0.065 + 0.075 * case.severity) * gap * chest.lung
    chest.density += 0.05 * case.severity * (inside - gap) * chest.lung
    chest.vessels *= 1.0 - gap


def consolidation(chest: Chest, case: Case) -> None:
    """A dense lobe with a straight edge at the fissure, crossed by dark bronchi."""
    edge = case.uniform(-0.30, 0.15) + 0.15 * (chest.u - 0.4)
    height = 0.16 + 0.22 * case.severity
    lobe = ramp(chest.y - edge, 0.02) * ramp(edge + height - chest.y, 0.10)
    air = 0.8 + 0.25 * case.texture("soft") - 0.15 * case.texture("net")
    chest.density += (0.14 + 0.18 * case.severity) * lobe * air * _on_side(chest, case) * chest.lung


def edema_body(body: Body, case: Case) -> None:
    body.vessels *= 1.3 + 0.9 * case.severity
    body.heart *= 1.0 + 0.10 * case.severity


def edema(chest: Chest, case: Case) -> None:
    """A haze around both hila, like wings."""
    r2 = ((chest.u - 0.26) / 0.30) ** 2 + ((chest.y - 0.02) / 0.42) ** 2
    cloud = 0.9 + 0.25 * case.texture("fine")
    chest.density += (0.07 + 0.16 * case.severity) * cloud * chest.lung / (1.0 + r2 * r2)


def emphysema_body(body: Body, case: Case) -> None:
    """Large dark lungs, a low flat diaphragm and a narrow heart."""
    for name, change in (("dome_right", 0.08), ("dome_left", 0.08), ("apex", -0.03)):
        getattr(body, name).__iadd__(change * (0.4 + case.severity))
    body.bend *= 1.0 - 0.7 * case.severity
    body.heart *= 1.0 - 0.14 * case.severity
    body.air *= 1.06 + 0.14 * case.severity
    body.vessels *= 1.0 - 0.6 * case.severity


def fibrosis_body(body: Body, case: Case) -> None:
    body.dome_right -= 0.07 * case.severity
    body.dome_left -= 0.07 * case.severity


def fibrosis(chest: Chest, case: Case) -> None:
    """A net of fine lines, densest at the bases and under the chest wall."""
    where = ramp(0.35 - chest.above, 0.3) + 0.6 * ramp(0.15 - chest.wall, 0.12)
    net = np.clip(0.45 + 0.75 * case.texture("reticle"), 0.0, 2.5)
    chest.density += (0.05 + 0.12 * case.severity) * where * net * chest.lung


def pleural_thickening(chest: Chest, case: Case) -> None:
    """A bright rind along the chest wall."""
    thick = 0.035 + 0.06 * case.severity * (1.0 + 0.3 * case.texture("soft"))
    extent = ramp(case.uniform(0.25, 0.6) - np.abs(chest.y - case.uniform(-0.5, 0.3)), 0.1)
    rind = ramp(thick - chest.wall, 0.015) * extent * _on_side(chest, case) * chest.field
    chest.density += (0.16 + 0.12 * case.severity) * rind


def hernia(chest: Chest, case: Case) -> None:
    """A round shadow behind the heart, with air above a fluid level."""
    radius = 0.12 + 0.10 * case.severity
    cx, cy = case.uniform(-0.04, 0.10), 0.33 - 0.5 * radius + case.uniform(-0.05, 0.05)
    pouch = blob(chest.x, chest.y, cx, cy, radius, radius)
    gas = ramp(cy - 0.2 * radius - chest.y, 0.015)
    chest.density += ramp(pouch - 0.15, 0.15) * (0.13 - (0.22 + 0.12 * case.severity) * gas)


BODY: dict[str, Callable[[Body, Case], None]] = {
    "Atelectasis": atelectasis_body,
    "Cardiomegaly": cardiomegaly_body,
    "Edema": edema_body,
    "Emphysema": emphysema_body,
    "Fibrosis": fibrosis_body,
}
SHADOW: dict[str, Callable[[Chest, Case], None]] = {
    "Atelectasis": atelectasis,
    "Consolidation": consolidation,
    "Edema": edema,
    "Effusion": effusion,
    "Fibrosis": fibrosis,
    "Hernia": hernia,
    "Infiltration": infiltration,
    "Mass": mass,
    "Nodule": nodule,
    "Pleural_Thickening": pleural_thickening,
    "Pneumonia": pneumonia,
    "Pneumothorax": pneumothorax,
}
