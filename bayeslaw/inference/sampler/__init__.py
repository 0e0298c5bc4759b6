"""Markov chains on whatever coordinates they are given.

===============  ======================================================================
``settings``     how long and how carefully to sample
``kernels``      the kernels of a chain
``random_bits``  JAX's random numbers from straight-line code
``program``      all chains of one or many fits as one compiled program
``layout``       which chain on which device
``growing``      the draws of one fit as they grow, and whether they are enough
``walk``         chains from their starts to draws
``paused``       chains that were interrupted, in a file
``pace``         whether a fit is hopelessly slow (crawls)
``draws``        the draws of a fit
===============  ======================================================================
"""
