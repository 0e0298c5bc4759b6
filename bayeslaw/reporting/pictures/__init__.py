"""The pictures of a report.

==============  ==========================================================
``figures``     which there are, in which order, with a sentence each
``charts``      each of them, in a grammar of graphics
``grammar``     axes, labels and the look that they share
==============  ==========================================================
"""
