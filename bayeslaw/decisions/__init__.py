"""From answers to decisions: what a run is worth, to whoever pays for it.

A layer of its own, after the questions: a decision puts forecasts beside prices.

========  ======================================================================
``cost``  what runs cost: a formula of their inputs, or a price list
========  ======================================================================
"""
