"""Defect maps from denoising diffusion (Lu et al., ICCV 2023). Loads nothing heavy by itself."""

__version__ = "0.1.0"
