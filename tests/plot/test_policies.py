"""The picture of policies: how many panels, what stands on them."""

import numpy as np
import pytest
from PIL import Image

from clrx.lineup import Line
from clrx.plot.policies import draw_policies


def line(name: str, is_momentum: bool = False) -> Line:
    epoch = np.arange(40) / 10
    bounds = None if is_momentum else (0.1, 0.2)
    return Line(name, epoch, 0.1 + 0.1 * np.abs(np.sin(epoch)), (), bounds, (), is_momentum)


@pytest.mark.parametrize(
    ("rates", "momentum", "inches"),
    [
        (1, False, (9.0, 4.5)),
        (1, True, (9.0, 6.3)),
        (2, False, (6.6, 2.25)),
        (5, True, (9.6, 4.0)),
        (11, True, (12.6, 5.75)),
    ],
)
def test_picture_grows_with_its_panels(tmp_path, rates, momentum, inches):
    lines = [line(f"policy{index}") for index in range(rates)] + [line("momentum", True)] * momentum
    draw_policies(tmp_path / "new" / "policy.png", lines)
    size = Image.open(tmp_path / "new" / "policy.png").size
    assert size == pytest.approx([150 * side for side in inches], abs=1)


def test_the_rate_is_where_it_should_be(tmp_path):
    """A rate that stands still at the top of the scale: its blue line crosses the picture in the upper part."""
    flat = Line("constant", np.arange(100) / 10, np.full(100, 0.5))
    draw_policies(tmp_path / "policy.png", [flat, flat])
    pixels = np.asarray(Image.open(tmp_path / "policy.png").convert("RGB")).astype(int)
    blue = (np.abs(pixels - (0x1F, 0x6F, 0xB2)).sum(axis=2) < 30).sum(axis=1)
    height, width = pixels.shape[:2]
    assert blue.max() > 0.7 * width
    assert blue.argmax() < 0.3 * height
