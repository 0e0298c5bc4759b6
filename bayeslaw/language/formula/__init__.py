"""The formula language: read by a parser of our own, never executed by Python.

===============  =====================================================================
``expression``   texts into trees, and trees into numbers
``functions``    the functions of the language, a row each
``priors``       its prior distributions, a row each
``likelihoods``  its observation models, a row each
``schedule``     inputs that are sums over a learning-rate schedule
``latex``        a formula as LaTeX
===============  =====================================================================
"""
