"""The paper's equations: the chain with its posteriors, losses, networks, the closed-form denoiser.

Knows tensors; nothing of photographs, scores or files, but for a backbone's own.
"""

from lazy_loader import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    submod_attrs={
        "scheduler": ["Gaussian", "PosteriorDDPMScheduler", "linear_chain"],
        "losses": ["bits_per_dim", "hybrid_loss", "kl", "vlb_terms"],
        "networks": ["UNetConfig", "image_unet"],
        "mixture": ["NormalMixture"],
        "extractor": ["Extractor"],
    },
)
