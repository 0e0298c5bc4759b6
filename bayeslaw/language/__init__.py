"""A law: a text, parsed once into a frozen tree.

===================  ======================================================================
``law``              the law itself; ``parts``, what it is made of
``parts``            inputs, parameters, outcome and published values
``reading``          a TOML text into a law, with the place of every mistake
``values``           the kinds of values a law file has
``toml_positions``   where a value stands in a TOML text
``editing``          other priors, other noise: the text edited and read again
``formula``          the formula language: expressions, functions, schedules
``root``             terms that are the root of an equation
``files``            where law files are, and texts with their base and variants written out
``catalogue``        laws by name, by what papers call them, by topic and by words
``check``            the conformance suite that every law must pass
``latin_hypercube``  places to try a law at
``public_priors``    priors learned from public sweeps, or about published values
``published``        a paper's values: as they are, as draws, and as priors
===================  ======================================================================
"""
