"""Runs: what a table of training runs is, and what it can tell.

=================  ======================================================================
``table``          the table; ``read_runs``
``files``          CSV, JSON lines, Parquet, pandas and polars
``columns``        standard columns and their usual other names
``filters``        conditions such as ``n_params >= 1e8``
``observations``   what a law asks of a table: inputs, outcome, weights, errors
``faults``         all for which a fit would stop
``schedule_sums``  checkpoints, and sums along their schedule
``stand_ins``      what a question may say in place of a group
``notes``          what a table cannot tell, said before a fit
``budgets``        runs of one compute budget
``summary``        the table on one page
``wording``        how messages speak of its rows and columns
``regression``     a robust regression that notes are based on
=================  ======================================================================
"""
