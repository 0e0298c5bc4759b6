"""Questions of saved fits.

====================  ====================================================
``effective_size``    the size of a reference network with a score
``forecast``          what a planned run will reach
``frontier``          the time in which density doubles
``optimum``           the best split of a budget, and what missing it costs
``plot``              a fit as a picture
``risk``              the chance of missing a target
``threshold``         the scale at which an outcome crosses a value
====================  ====================================================
"""
