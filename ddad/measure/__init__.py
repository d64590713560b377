"""How well maps and scores separate defects from good parts, on images whose truth is known.

Knows nothing of how a model is trained, and chooses no threshold.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "evaluation": ["evaluate"],
        "metrics": ["Evaluation", "PixelCurves", "image_curves", "image_metrics"],
        "verdicts": ["Verdicts"],
    },
)
