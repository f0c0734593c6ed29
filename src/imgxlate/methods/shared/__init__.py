"""Code that several methods share: configurations, files, optimizers, losses and training. It imports no method."""
