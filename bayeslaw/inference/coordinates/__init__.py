"""Changes of variables that make a posterior a round ball, for NUTS to walk on.

===============  ======================================================================
``transports``   the maps by name
``geometry``     affine and conditional maps
``following``    maps that follow the predictions of few runs
``breaks``       maps along the place of a break that may be absent
``block_arrow``  linear algebra of families that share parameters
``mode``         the mode of a posterior
``derivatives``  a model's derivatives as compiled programs
===============  ======================================================================
"""
