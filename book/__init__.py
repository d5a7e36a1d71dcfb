"""The Sphinx side of the book: building, serving, and what its pages need."""
