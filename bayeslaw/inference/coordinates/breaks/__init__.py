"""A break that may be absent: its place is not identified where its size is zero.

=============  ======================================================================
``map``        the map along the ridge of the posterior
``grid``       everything else at its mode, along the place of the break
``ridge``      which coordinates are which
``detection``  which parameters may be absent, read off the formula
=============  ======================================================================
"""
