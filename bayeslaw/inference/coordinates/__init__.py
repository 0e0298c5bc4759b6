"""Changes of variables that make a posterior a round ball, for NUTS to walk on.

===============  ======================================================================
``protocol``     what coordinates are
``suited``       which coordinates suit which plan: one ordered table
``affine``       one linear map
``conditional``  everything else given the scales, for hierarchies
``following``    predictions as coordinates, for few runs
``breaks``       along the place of a break that may be absent
``split``        which coordinates of a plan are scales, a group's own, or shared
``pieces``       what coordinates with scales are made of
``predictions``  the means of runs, their Jacobian and weights
``block_arrow``  linear algebra of families that share parameters
``positive``     Hessians made positive
``mode``         the mode of a posterior
``marginal``     the mode of the scales' own density
``derivatives``  a model's derivatives as compiled programs
===============  ======================================================================
"""
