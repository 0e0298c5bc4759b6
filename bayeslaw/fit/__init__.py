"""From runs to a posterior.

====================  =========================================================================
``runs``              a table whose columns have meanings; ``tables``, ``columns``, ``conditions``
``checkpoints``       which rows are one training run, and sums along it
``observations``      what a law asks of a table; ``notes``, ``summary``: what a table says of itself
``pooling``           how a parameter is shared between groups
``hoist``             what does not depend on parameters, computed once
``plan``              what is sampled and how it makes up every run's parameters
``numpyro_model``     the plan as a NumPyro model
``pymc_model``        the plan as a PyMC model
``flat``              any NumPyro model over one flat vector
``geometry``          the coordinates to sample in: ``mode``, ``derivatives``, and ``arrow``, its linear algebra
``following``         coordinates for few runs; ``transports``, all coordinates by name
``ridge``             coordinates for laws with a part that may be absent; ``knots``, where a ridge leads; ``switched``,
                      which laws these are
``kernels``           what moves a chain: NUTS, or NUTS between jumps
``chains``            all chains as one compiled program; ``devices``, how JAX is set up
``sample``            any NumPyro model to draws; ``inference``, a plan to draws; ``diagnostics``
``whitening``         saved draws back on the ball that they were sampled on
``many``              many small fits at once; ``shards``, a folder of those that are finished
``executors``         who makes them: this process, or workers on machines
``holdout``           a fit with some runs hidden; ``pointwise``, the density of every run under every draw
``progress``          one line for long work
``fitting``           the verb; ``posterior``, what it leaves; ``datatree``, ``posterior_summary``
``storage``           a posterior as a file; ``files``, which are whole or not there
====================  =========================================================================
"""
