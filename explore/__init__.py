"""A figure one can drag: live in a kernel, alive in a static page."""
