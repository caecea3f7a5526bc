"""The engine: pure reducers and renderers, and the sans-I/O pipeline that drives them."""
