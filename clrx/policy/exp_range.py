"""The exp_range policy: triangles under an exponential envelope."""

from dataclasses import dataclass

from clrx.core.errors import require_number, require_one_of
from clrx.schedule.progress import Progress, triangle_at, triangle_ends


@dataclass(frozen=True)
class ExpRange:
    """The rate moves in triangles whose height shrinks by the factor `gamma` with each optimizer step.

    base_lr + (max_lr - base_lr) * max(0, 1 - x) * gamma ** step; gamma in (0, 1]; step_size, in epochs, is half a
    cycle. `rise` and `from_top` as in `triangular`. Source: Smith, arXiv:1506.01186, section 3.1; Alyafi et al. 2019,
    eq. 5; torch's CyclicLR.
    """

    base_lr: float
    max_lr: float
    step_size: float
    gamma: float
    rise: float = 0.5
    from_top: bool = False

    def __post_init__(self) -> None:
        require_number(self.base_lr, "bounds.base_lr", least=0)
        require_number(self.max_lr, "bounds.max_lr", least=self.base_lr)
        require_number(self.step_size, "bounds.step_size", above=0)
        require_number(self.gamma, "policy.gamma", above=0, most=1)
        require_number(self.rise, "policy.rise", least=0, below=1)
        require_one_of(self.from_top, "policy.from_top", (False, True))

    def __call__(self, progress: Progress) -> float:
        _, height = triangle_at(progress.epoch, self.step_size, self.rise, self.from_top)
        return self.base_lr + (self.max_lr - self.base_lr) * self.gamma**progress.step * height

    def cycle_ends(self, epochs: float) -> tuple[float, ...]:
        return triangle_ends(epochs, self.step_size, self.rise, self.from_top)
