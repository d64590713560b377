"""What a map is: pixel and feature score, their fusion by what normal images say, restoration.

Every score is one differentiable function of tensors. Knows nothing of files.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "config": ["RestoreConfig", "ScoreConfig"],
        "calibration": ["Calibration"],
        "promise": ["Promise", "conformal_threshold", "needed"],
        "pixel": ["kl_map", "pixel_maps"],
        "feature": ["FeatureModel", "feature_energy", "feature_maps"],
        "posterior": ["Posterior", "posterior"],
        "fusion": ["calibrate", "fuse", "normalise", "score_map"],
        "scorer": ["Scorer"],
        "restoration": ["RestorationStep", "restoring"],
    },
)
