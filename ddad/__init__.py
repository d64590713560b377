"""Defect maps from denoising diffusion, trained on images of good parts only."""

from pathlib import Path

from lazy_loader import attach

__version__ = "0.1.0"

PACKAGE = Path(__file__).resolve().parent
HOME = PACKAGE.parent
"""The folder that `ddad/` lies in: `python -m ddad` runs from there without an installation."""
INSTALLED = (PACKAGE / "checkpoints").is_dir()
"""Whether this is a wheel's: there models and page lie inside the package, not beside it."""
CHECKPOINTS = (PACKAGE if INSTALLED else HOME) / "checkpoints"
"""The models that come with the project."""
PAGE = PACKAGE / "page" if INSTALLED else HOME
"""Where the page's `app.py` and `demo/` are."""

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "images.decode": ["load_image"],
        "model.checkpoint": ["CheckpointError"],
        "model.detection": ["Detection"],
        "model.detector": ["Detector"],
        "training.fit": ["fit"],
    },
)
