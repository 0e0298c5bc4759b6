"""The formula language: read by a parser of our own, never executed by Python.

==============  ======================================================================
``expression``  texts into trees, and trees into numbers
``functions``   functions, priors and likelihoods, a row each
``schedule``    inputs that are sums over a learning-rate schedule
``latex``       a formula as LaTeX
==============  ======================================================================
"""
