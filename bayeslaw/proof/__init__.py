"""Proof that answers can be trusted: forecasts held against what happened, and inference against what is known."""
