"""What several methods share: configurations, files, optimizers, losses and training. It knows no method."""
