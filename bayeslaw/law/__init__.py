"""What a law is: a text, read once into a frozen tree.

===============  ==========================================================================
``expr``         the formula language: nodes, parse, evaluate, differentiate, write out
``functions``    its words: functions, priors and likelihoods, one row each
``schedule``     its words for inputs that sum over a learning-rate schedule
``latex``        the tree as LaTeX
``parts``        Input, Output, Parameter, Prior, Published: the frozen parts of a law
``root``         terms that are given implicitly
``law``          Law: the whole
``editing``      a law with other priors or other noise
``places``       where in a TOML text a value stands
``values``       the values of a law file, one kind each, with the place of every mistake
``reading``      a TOML text into a Law, section by section
``catalogue``    where law files are, and finding one by name or topic
``check``        the conformance suite that every law file must pass
``latin``        a Latin hypercube over its inputs
===============  ==========================================================================

Nothing here imports JAX, NumPyro, PyMC or pandas: a law can be read, shown and evaluated with NumPy
alone, which is also why ``bayeslaw --help`` answers at once.
"""
