"""Pictures and masks as people have them: decoded, resized, listed, named, written whole.

Knows nothing of models, data sets or scores.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "arrays": ["picture", "pictures"],
        "decode": ["ImageError", "LoadedImage", "load_image", "survey"],
        "files": [
            "look_into",
            "pictures_in",
            "write_json",
            "write_png",
            "write_text",
            "write_whole",
        ],
        "geometry": ["feature_shape", "model_shape", "to_image", "to_model"],
        "filling": ["rasterise"],
        "levels": ["Levels"],
        "masks": ["Truth", "load_mask", "load_truth"],
        "names": ["Stems", "safe_stem"],
        "outlines": ["simplify"],
        "regions": ["Region", "RegionLabel", "find_regions"],
    },
)
