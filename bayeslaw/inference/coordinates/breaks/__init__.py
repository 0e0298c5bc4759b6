"""A break that may be absent: its place is not identified where its size is zero.

=============  ======================================================================
``detection``  which parameters those are, read off the formula
``grid``       everything else at its mode, along the place of the break
``map``        the map along that grid
=============  ======================================================================
"""
