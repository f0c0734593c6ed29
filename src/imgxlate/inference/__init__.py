"""Loading models and running them: translation, neural style, style codes, devices."""
