"""Shared foundations of inference.

==================  ======================================================================
``devices``         JAX as this package needs it
``program_shapes``  shapes of arrays as keys of compiled programs
``executables``     compiled programs that are kept on disk
``cache_folder``    their folder, which is private
``batched``         a function of one point at each of many
``diagnostics``     whether draws can be trusted
``mixing``          how well the chains of one quantity have mixed
``progress``        one line for long work
``work``            the settings of all verbs that fit
``streams``         random numbers beside the sampler's own, by purpose
``versions``        the versions that draws depend on
``arrays``          arrays by name in a file
``atomic_files``    files that are written whole or not at all
==================  ======================================================================
"""
