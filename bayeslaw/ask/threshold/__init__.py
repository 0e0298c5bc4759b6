"""At what scale an outcome crosses a value.

==================  ======================================================================
``threshold``       the question and its answer
``curve``           a law along one axis, for every draw
``crossing``        where a curve crosses a value or is steepest
``effective_size``  the size of a reference model that has a score
``frontier``        how fast the density of the best models grows
==================  ======================================================================
"""
