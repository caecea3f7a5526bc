"""What the kits for reducers and renderers share: calls that are watched, repeated and compared."""
