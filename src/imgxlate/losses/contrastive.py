"""The contrastive loss of CUT (arXiv 2007.15651)."""

import torch
from torch import Tensor
from torch.nn import functional


def patch_nce(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """PatchNCE (Sec. 3): how badly each query tells the key of its own position from those of the others.

    `queries` and `keys` are (B, N, C): unit vectors for N positions of B images. It is the cross entropy of choosing
    among the N keys of the image by the products with the query, divided by `temperature`; the mean over all queries.
    """
    logits = queries @ keys.mT / temperature  # (B, N, N)
    positions = torch.arange(logits.shape[1], device=logits.device).expand(logits.shape[:2])
    return functional.cross_entropy(logits.flatten(0, 1), positions.flatten())


def unit_vectors(x: Tensor) -> Tensor:
    """Divide vectors (..., C) by their lengths, to which 1e-7 is added (taesungp, models/networks.py, Normalize)."""
    lengths: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return x / (lengths + 1e-7)
