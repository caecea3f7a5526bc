"""CustomResourceDefinitions, and an API reference, from the models that reducers declare."""
