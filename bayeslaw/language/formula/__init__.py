"""The formula language: read by a parser of our own, never executed by Python.

===============  =====================================================================
``expression``   texts into trees, and trees into numbers
``naming``       names that are no single words, such as ``val/loss``
``functions``    the functions of the language, one row each
``priors``       its prior distributions, one row each
``likelihoods``  its observation models, one row each
``schedule``     inputs that are sums over a learning-rate schedule
``latex``        a formula as LaTeX
===============  =====================================================================
"""
