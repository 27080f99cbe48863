"""A trained network put to use: scores of new images, external evaluation, explanation, export of its graph."""
