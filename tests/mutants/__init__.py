"""Faults put into the product on purpose, each of which its tests have to notice."""
