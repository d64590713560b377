"""How well maps and scores separate defects from good parts, on images whose truth is known.

Knows nothing of how a model is trained, and sets no threshold: it can propose one.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "decided": ["Costs", "Outcome", "Rate", "changed", "fair", "outcome", "rate", "weighed"],
        "evaluation": ["evaluate", "evaluate_images"],
        "metrics": ["Evaluation", "PixelCurves", "image_curves", "image_metrics"],
        "proposal": ["Proposal", "cheapest", "defects_needed", "propose"],
        "verdicts": ["Verdicts"],
    },
)
