"""Runs: a table of training runs, and what a law can learn from it.

=================  ======================================================================
``table``          the table; ``read_runs``
``reading``        files and frames as plain columns
``tracking``       trackers, trainers and evaluations as tables of runs
``columns``        standard columns and their usual other names
``headers``        what a header says beside the name: a unit, a holder
``filters``        conditions such as ``n_params >= 1e8``; columns by a formula
``observations``   what a law reads from a table: inputs, outcome, weights, errors
``ranges``         whether values are possible, and in a law's unit
``faults``         all for which a fit would stop, before it
``schedule_sums``  checkpoints, and sums along their schedule
``stand_ins``      words that a question may use in place of a group
``notes``          what a table cannot identify, noted before a fit
``budgets``        runs of one compute budget
``bottoms``        where each budget has its lowest loss
``summary``        the table on one page
``wording``        how messages speak of its rows and columns
``regression``     the robust regression behind some notes
=================  ======================================================================
"""
