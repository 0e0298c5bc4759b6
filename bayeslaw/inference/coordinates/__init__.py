"""Changes of variables that whiten a posterior (make it a round ball) for NUTS.

===============  ======================================================================
``protocol``     what coordinates are
``suited``       which coordinates suit which plan: one ordered table, and which an evidence takes
``affine``       one linear map
``conditional``  everything else given the scales, for hierarchies
``following``    predictions as coordinates, for few runs in groups
``breaks``       along the location of a break that may be absent
``split``        which coordinates of a plan are scales, group-specific, or shared
``pieces``       the parts of coordinates with scales
``predictions``  the means of runs, their Jacobian and weights
``block_arrow``  linear algebra of families that share parameters
``positive``     Hessians made positive
``mode``         the mode of a posterior
``marginal``     the mode of the scales' marginal density
``derivatives``  a model's derivatives as compiled programs
===============  ======================================================================
"""
