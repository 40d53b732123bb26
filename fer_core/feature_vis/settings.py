"""How gradient ascent climbs: its knobs, their limits, and three presets."""

from __future__ import annotations

from dataclasses import dataclass

from fer_core.errors import FerError

CHOICES = {"parametrisation": ("pixels", "fourier"), "start": ("noise", "grey"), "optimiser": ("adam", "normalised")}


@dataclass(frozen=True)
class Settings:
    """The knobs of an ascent; lengths in pixels of 48."""

    steps: int = 100
    parametrisation: str = "pixels"
    """pixels, or fourier: large forms move first."""
    decay: float = 1.0
    """Fourier only: waves count by 1/f to this power."""
    start: str = "noise"
    """noise or grey; a face that is given goes before."""
    strength: float = 0.1
    """Deviation of the noise, in units of the sigmoid's argument."""
    optimiser: str = "adam"
    """adam, or normalised: a step of fixed length along the gradient."""
    rate: float = 0.05
    """Length of a step, in units of the sigmoid's argument."""
    total_variation: float = 0.0
    """Strength against differences between neighbouring pixels."""
    l2: float = 0.0
    """Strength of the pull to the start."""
    blur_every: int = 0
    """Steps between two blurs; 0 is never."""
    blur: float = 0.5
    """Deviation of the blur."""
    unlike: float = 0.0
    """Strength with which pictures of the same unit keep apart."""
    settle: float = 0.0
    """Share of the steps, at the end, in which movement and rate fade away."""
    pad: int = 0
    jitter: float = 0.0
    scale: float = 0.0
    rotate: float = 0.0
    """Border added, largest shift, largest change of size (0.05 is 5 %), largest turn in degrees, anew at every step."""

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise FerError(f"There is no such {name}.", received=getattr(self, name), expected=" or ".join(known))
        for name, (low, high) in LIMITS.items():
            if not low <= getattr(self, name) <= high:
                raise FerError(f"{name} is out of range.", received=getattr(self, name), expected=f"{low} to {high}")

    @property
    def moves(self) -> bool:
        """Tell whether the picture is moved at every step."""
        return bool(self.pad or self.jitter or self.scale or self.rotate)


LIMITS: dict[str, tuple[float, float]] = {
    "steps": (1, 10_000), "decay": (0, 3), "strength": (0, 3), "rate": (1e-4, 10), "total_variation": (0, 100), "l2": (0, 100),
    "blur_every": (0, 1000), "blur": (0, 8), "unlike": (0, 100), "settle": (0, 1), "pad": (0, 16), "jitter": (0, 16),
    "scale": (0, 0.5), "rotate": (0, 45),
}
PRESETS: dict[str, Settings] = {
    "report": Settings(steps=100, rate=0.05),
    "standard": Settings(steps=128, parametrisation="fourier", decay=1.2, strength=0.5, rate=0.08, settle=0.3, pad=4, jitter=2, scale=0.05,
                         rotate=5, total_variation=0.1),
    "strong": Settings(steps=256, parametrisation="fourier", decay=1.5, strength=0.3, rate=0.08, settle=0.3, pad=4, jitter=3, scale=0.08,
                       rotate=8, total_variation=0.4, l2=0.02),
}
"""Plain ascent from noise, as the report did; waves and small movements that fade at the end; and everything against noise."""
