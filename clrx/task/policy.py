"""`clrx policy`: the rates of a run before it is trained, on screen, as a picture and as a table."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from clrx.config.flatten import check_nodes
from clrx.core.errors import UserError, require_number
from clrx.core.files import write_text
from clrx.plot.policies import draw_policies
from clrx.plot.style import save
from clrx.plot.terminal import show_lines
from clrx.schedule.preview import line_up, write_lines

FORMATS = (".png", ".svg", ".pdf")


def task(cfg: DictConfig) -> int:
    """Draw and tabulate `policy`, and those in `compare`, over cfg.epochs without training."""
    check_nodes(cfg)
    require_number(cfg.epochs, "epochs", least=1, whole=True)
    require_number(cfg.steps_per_epoch, "steps_per_epoch", least=1, whole=True)
    path = Path(cfg.run.dir)
    if not isinstance(cfg.picture, str | None):
        raise UserError(f"picture={cfg.picture} is no path", where="picture", allowed="a path, or null")
    pictures = [path / "policy.png", *([Path(cfg.picture)] if cfg.picture else [])]
    if wrong := [picture for picture in pictures if picture.suffix not in FORMATS]:
        raise UserError(f"picture={wrong[0]} has no format", where="picture", allowed=", ".join(FORMATS))
    lines = line_up(cfg)
    write_text(path / "config.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    write_lines(path / "policy.csv", lines)
    figure = draw_policies(lines)
    for picture in pictures:
        save(figure, picture)
    show_lines(lines, path)
    return 0
