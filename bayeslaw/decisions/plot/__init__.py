"""Pictures of decisions, which can go into a memo.

==============  =======================================================================
``multiplier``  what a recipe is worth, against scale
==============  =======================================================================

Each returns a matplotlib figure that is not registered with pyplot: nothing is shown, saved or kept open.
"""
