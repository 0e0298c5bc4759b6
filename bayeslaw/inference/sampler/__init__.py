"""Markov chains on whatever coordinates they are given.

============  ======================================================================
``settings``  how long and how carefully chains walk
``kernels``   what moves a chain
``program``   all chains of one or many fits as one compiled program
``layout``    which chain on which device
``walk``      chains from their starts to draws
``pace``      whether a fit crawls
``draws``     what the chains of a fit leave
============  ======================================================================
"""
