"""All for which a fit of a law to a table would stop, so that it is said before the fit.

==========  ==============================================================
``every``   all of them, each cause once; a fit itself names the first
``enough``  fewer runs than parameters, and bowls of one size
``exact``   runs without noise, as the output of a formula has none
==========  ==============================================================
"""
