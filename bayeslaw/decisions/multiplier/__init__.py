"""What a recipe is worth: the factor of compute at which another one has the same outcome.

==============  ======================================================================
``multiplier``  the question
``answer``      its answer, in words and for JSON
``recipes``     the runs of two recipes, and whether they are enough
``ray``         two laws along one axis, and the factor between them in every draw
==============  ======================================================================
"""
