"""Where a question is asked.

=================  ======================================================================
``points``         points given by their inputs, or runs
``scale``          the path of inputs along one axis, and the families on it
``extrapolation``  how far a point lies beyond the fitted runs
=================  ======================================================================
"""
