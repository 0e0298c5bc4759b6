"""What inference stands on.

==================  ======================================================================
``devices``         JAX as this package wants it
``program_shapes``  shapes of arrays as keys of compiled programs
``diagnostics``     whether draws can be trusted
``progress``        one line for long work
``work``            how to sample and how to work, as all verbs that fit are asked
``streams``         random numbers beside the sampler's own, by purpose
``versions``        what draws follow from
``atomic_files``    files that are whole or not there
==================  ======================================================================
"""
