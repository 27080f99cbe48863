"""The anatomy of a synthetic frontal chest radiograph without findings, drawn for many patients at once.

Lengths are in half image sides: the image spans [-1, 1] in x (to the viewer's right, the patient's left) and
in y (down). Densities are what a radiograph shows: 0 black air, 1 white bone. Every array is (B, H, W) or (B, 1, 1)
float32, B images at a time.
"""

from dataclasses import dataclass, fields

import numpy as np

Array = np.ndarray
HILUM = (0.19, 0.0)  # where the vessels start: |x|, y


@dataclass
class Body:
    """Build and pose, (B, 1, 1) each; findings change some of them before anything is drawn."""

    width: Array  # inner half width of the rib cage
    apex: Array  # top of the lungs
    dome_right: Array  # top of the diaphragm below the patient's right lung (x < 0)
    dome_left: Array
    bend: Array  # how far the diaphragm falls towards the chest wall
    heart: Array  # half of the heart's width
    fat: Array  # soft tissue beside the rib cage
    breast: Array  # 0 none .. 1
    vessels: Array  # contrast of the lung's vessels
    air: Array  # darkness of aerated lung
    rotation: Array  # radians
    shift_x: Array
    shift_y: Array
    scale: Array
    rib: Array  # distance of neighbouring ribs
    bone: Array  # contrast of bones

    def take(self, rows: Array) -> "Body":
        return Body(*(getattr(self, f.name)[rows] for f in fields(self)))

    def put(self, rows: Array, part: "Body") -> None:
        for f in fields(self):
            getattr(self, f.name)[rows] = getattr(part, f.name)


@dataclass
class Chest:
    """Where things lie in each image, and the density drawn so far."""

    x: Array
    y: Array
    u: Array  # |x|
    wall: Array  # depth below the chest wall (positive inside)
    above: Array  # height above the diaphragm
    lung: Array  # 1 in aerated lung, 0 outside, soft at the edge
    field: Array  # 1 in the whole lung field, the part that heart and mediastinum cover included
    vessels: Array  # density of the vessels, added at exposure
    density: Array

    def take(self, rows: Array) -> "Chest":
        return Chest(*(getattr(self, f.name)[rows] for f in fields(self)))

    def put(self, rows: Array, part: "Chest") -> None:
        self.density[rows], self.vessels[rows] = part.density, part.vessels


def ramp(value: Array, width: float | Array) -> Array:
    """A smooth step from 0 at `-width` to 1 at `width`."""
    t = value * (0.5 / width)  # in place from here on: half of all drawing time is spent in this function
    t += 0.5
    np.clip(t, 0.0, 1.0, out=t)
    smooth = -2.0 * t
    smooth += 3.0
    smooth *= t
    smooth *= t
    return smooth


def blob(x: Array, y: Array, cx: Array, cy: Array, rx: Array | float, ry: Array | float) -> Array:
    """A round shadow: 1 in the middle, 0 from the ellipse with half axes rx, ry on."""
    t = np.clip(1.0 - ((x - cx) / rx) ** 2 - ((y - cy) / ry) ** 2, 0.0, 1.0)
    return t * (2.0 - t)


def draw_chest(body: Body, texture: Array, pixels: int) -> Chest:
    """The anatomy of B bodies; `texture` (B, H, W) gives the vessels their pattern."""
    x, y = _grid(body, pixels)
    u = np.abs(x)
    wall, medial = _side_walls(body, y)
    wall, medial = wall - u, u - medial
    above = np.where(x < 0, body.dome_right, body.dome_left) - y
    above = above + body.bend * (0.5 + 1.1 * (u > 0.36)).astype(np.float32) * (u - 0.36) ** 2
    lung_field = ramp(np.minimum(wall, above), 0.02)
    heart, centre = _heart(body, x, y), _mediastinum(x, y)
    lung = lung_field * ramp(medial, 0.03) * (1.0 - heart) * (1.0 - centre)
    chest = Chest(x, y, u, wall, above, lung, lung_field, _vessels(body, u, y, texture), np.empty(0))
    chest.density = _density(body, chest, heart, centre)
    return chest


def _grid(body: Body, pixels: int) -> tuple[Array, Array]:
    side = ((np.arange(pixels, dtype=np.float32) + 0.5) * (2.0 / pixels) - 1.0)[None]
    column, row = side[:, None, :] - body.shift_x, side[:, :, None] - body.shift_y
    cos, sin = np.cos(body.rotation) / body.scale, np.sin(body.rotation) / body.scale
    return cos * column + sin * row, cos * row - sin * column


def _side_walls(body: Body, y: Array) -> tuple[Array, Array]:
    """|x| of the rib cage and of the lungs' inner edge at each height; they meet at the apex."""
    t = np.clip((0.45 - y) / (0.45 - body.apex), 0.0, 1.5) ** 2
    arch = np.copysign(np.sqrt(np.abs(1.0 - t)), 1.0 - t)
    middle = 0.30
    return middle + (body.width - middle) * arch, middle - (middle - 0.09) * np.sqrt(np.abs(arch)) * np.sign(
        arch
    )


def _heart(body: Body, x: Array, y: Array) -> Array:
    """An oblique ellipse, its apex to the viewer's right; at most 1."""
    dx, dy = x - 0.34 * body.heart, y - (body.dome_left - 0.50 * body.heart)
    along, across = 0.80 * dx + 0.60 * dy, 0.80 * dy - 0.60 * dx
    q = (along / (1.12 * body.heart)) ** 2 + (across / (0.84 * body.heart)) ** 2
    return ramp(1.05 - q, 0.3)


def _mediastinum(x: Array, y: Array) -> Array:
    """The strip of great vessels and spine, with the aortic knob at the viewer's right."""
    strip = ramp(0.10 + 0.07 * (y + 0.4) ** 2 + 0.05 * (y > -0.4) * (y + 0.4) - np.abs(x - 0.02), 0.035)
    knob = 1.0 - ((x - 0.11) / 0.11) ** 2 - ((y + 0.28) / 0.13) ** 2
    trunk = 1.0 - ((x - 0.10) / 0.12) ** 2 - ((y + 0.04) / 0.22) ** 2
    return np.maximum(strip, ramp(np.maximum(knob, trunk), 0.4))


def _vessels(body: Body, u: Array, y: Array, texture: Array) -> Array:
    """Branching shadows that thin out from the hilum."""
    r2 = (u - HILUM[0]) ** 2 + 0.6 * (y - HILUM[1]) ** 2
    hilum = (0.12 + 0.05 * texture) / (1.0 + (r2 / 0.012) ** 2)
    return body.vessels * (hilum + (0.02 + 0.055 * texture) / (1.0 + r2 / 0.10))


def _density(body: Body, chest: Chest, heart: Array, centre: Array) -> Array:
    x, y, u = chest.x, chest.y, chest.u
    soft = 0.60 + 0.05 * y - 0.04 * u
    soft += 0.17 * ramp(-chest.above, 0.03) * ramp(chest.wall + 0.06, 0.06)
    soft -= body.air * chest.lung
    covered = chest.field - chest.lung
    soft += 0.10 * covered * heart + 0.06 * centre + 0.07 * ramp(0.06 - np.abs(x), 0.02)
    soft -= 0.08 * ramp(0.032 - np.abs(x - 0.01), 0.012) * ramp(-0.30 - y, 0.08)
    soft += 0.13 * body.breast * blob(u, y, 0.62 * body.width, body.dome_right - 0.05, 0.42, 0.34)
    soft += body.bone * _bones(body, chest)
    return soft * _outline(body, chest)


def _bones(body: Body, chest: Chest) -> Array:
    """Posterior and anterior ribs, clavicles and vertebrae."""
    x, y, u = chest.x, chest.y, chest.u
    cage = ramp(chest.wall + 0.03, 0.03) * ramp(chest.above + 0.25, 0.15) * ramp(u - 0.09, 0.04)
    back = 0.5 + 0.5 * np.cos((2 * np.pi / body.rib) * (y - 0.45 * u * u))
    front = 0.5 + 0.5 * np.cos((2 * np.pi / body.rib) * (y + 0.55 * u + 0.3))
    front *= front
    ribs = cage * (back * back * back + 0.45 * front * front)
    line = np.abs(y - body.apex - 0.16 + 0.26 * u - 0.12 * np.sin(4.5 * u))
    clavicle = ramp(0.032 - line, 0.016) * ramp(0.78 - u, 0.04) * ramp(u - 0.07, 0.03)
    spine = ramp(0.085 - np.abs(x), 0.02) * (0.5 + 0.5 * np.cos((2 * np.pi / 0.125) * y))
    return 0.095 * ribs + 0.13 * clavicle + 0.035 * spine


def _outline(body: Body, chest: Chest) -> Array:
    """1 inside the body, 0 in the air beside the neck, above the shoulders and beside the trunk."""
    shoulder = chest.y - (body.apex - 0.20 + 0.30 * np.clip(chest.u - 0.24, 0.0, None))
    neck = 0.24 - chest.u
    trunk = body.width + body.fat + 0.35 * np.clip(-0.1 - chest.y, 0.0, None) - chest.u
    return ramp(np.minimum(np.maximum(shoulder, neck), trunk), 0.03)
