"""Markov chains.

===========  ======================================================================
``sample``   NUTS for any NumPyro model; what one fit's chains leave
``chains``   all chains of one or many fits as one compiled program
``kernels``  what moves a chain
===========  ======================================================================
"""
