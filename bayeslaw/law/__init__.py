"""What a law is: a text, read once into a frozen tree.

===============  ==========================================================================
``expr``         the formula language: nodes, parse, evaluate, differentiate, write out
``functions``    its words: functions, priors and likelihoods, one row each
``schedule``     its words for inputs that sum over a learning-rate schedule
``latex``        the tree as LaTeX
``law``          Law, Input, Output, Parameter, Published: the frozen nouns
``reading``      a TOML text into a Law, with the place of every mistake
``catalogue``    where law files are, and finding one by name or topic
``check``        the conformance suite that every law file must pass
===============  ==========================================================================

Nothing here imports JAX, NumPyro, PyMC or pandas: a law can be read, shown and evaluated with NumPy
alone, which is also why ``bayeslaw --help`` answers at once.
"""
