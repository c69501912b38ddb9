"""Measurements, side by side in one run: `python -m tests.bench NAME`. They print ratios; tests never assert times."""
