"""Pictures of decisions, which can go into a memo.

==============  =======================================================================
``decision``    the chance of a target against budget, and the utility of each option
``multiplier``  what a recipe is worth, against scale
``next_runs``   what candidates tell for their cost, on the plane of two inputs
==============  =======================================================================

Each returns a matplotlib figure that is not registered with pyplot: nothing is shown, saved or kept open.
"""
