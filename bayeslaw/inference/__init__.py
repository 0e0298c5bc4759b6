"""From runs to a posterior.

===============  ======================================================================
``fit``          the main verb
``infer``        plans to draws: trace, mode, compile, sampling
``choice``       in which coordinates a plan is sampled, and how once more when that does not do
``many``         hundreds of fits at once
``exact_runs``   runs without noise, which are refused
``holdout``      a fit with some runs hidden
``executors``    fits handed to workers
``shards``       finished fits kept in a folder
``workplace``    where many fits are made: watched, kept, handed to workers
``base``         what everything here stands on: devices, shapes, diagnostics, progress, files
``model``        the hierarchical model: pooling, plan, and its two interpreters
``coordinates``  changes of variables in which a posterior is round
``sampler``      NUTS, and all chains as one program
``posterior``    what a fit leaves
===============  ======================================================================
"""
