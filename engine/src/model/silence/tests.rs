//! Goal: the silence latent is read exactly, and nothing but a tensor is.
