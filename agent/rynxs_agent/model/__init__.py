"""The model, and the provider that serves it."""
