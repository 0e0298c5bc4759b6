"""Notes on what a table of runs can and cannot identify, before a fit.

===============  ======================================================================
``checks``       all of them
``design``       what they examine
``leaving_out``  conditions that leave rows out, which remedies name
``score``        an outcome that is no loss in nats
``outcome``      how far runs lie from a smooth surface, and how coarse outcomes are
``worse``        runs that are worse than a smaller one
``axes``         inputs that do not vary enough, or only together
``counts``       what parameters and compute count
``cells``        empty cells and restarts
``families``     groups
``repeats``      checkpoints, seeds and copies
``recipes``      schedules, tokenizers and rates that are mixed
``isoflop``      runs of one budget
===============  ======================================================================
"""
