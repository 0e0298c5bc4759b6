"""From runs to a posterior.

===============  ======================================================================
``fit``          the main verb
``infer``        plans to draws: trace, mode, compile, sampling
``choice``       the coordinates and settings of a plan, and those of a second attempt
``many``         hundreds of fits at once
``exact_runs``   runs without noise, which are refused
``holdout``      a fit with some runs hidden
``executors``    fits made by workers
``shards``       finished fits kept in a folder
``workplace``    where many fits are made: with progress, kept files and workers
``base``         shared foundations: devices, shapes, diagnostics, progress, files
``model``        the hierarchical model: pooling, plan, and its two interpreters
``coordinates``  changes of variables that whiten a posterior
``sampler``      NUTS, and all chains as one program
``posterior``    the result of a fit
===============  ======================================================================
"""
