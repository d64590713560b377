"""Defect maps from denoising diffusion, trained on images of good parts only."""

from pathlib import Path

from lazy_loader import attach

__version__ = "0.1.0"

HOME = Path(__file__).resolve().parent.parent
"""The folder that `ddad/` lies in: `python -m ddad` runs from there without an installation."""
CHECKPOINTS = HOME / "checkpoints"
"""The models that come with the project."""

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "images.decode": ["load_image"],
        "model.checkpoint": ["CheckpointError"],
        "model.detection": ["Detection"],
        "model.detector": ["Detector"],
    },
)
