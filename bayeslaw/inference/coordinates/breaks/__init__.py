"""A break that may be absent: if its size is zero, its location is not identified.

=============  ======================================================================
``map``        the map along the ridge of the posterior
``grid``       everything else at its mode, along the location of the break
``ridge``      which coordinates are which
``detection``  which parameters may be absent, read off the formula
=============  ======================================================================
"""
