"""Runs a submission where it can reach nothing, and judges what its functions do."""
