"""A plan that runs, to be changed: what `bayeslaw decide --example` prints."""

EXAMPLE = """\
# What is at stake. `bayeslaw decide FIT.nc --plan plan.toml` reads it; change what is yours.
target  = "loss below 2.5"          # an outcome of the fit, below or above a value
cost    = "2e-18 * flops"           # of the inputs of an option, or a table of prices: [cost] small = 3e3
utility = "2e6 * met - cost"        # of the outcome (loss), cost, and met: 1 where the target is met, else 0
money   = "USD"                     # what cost and utility are counted in
go      = 0.8                       # go where the chance of the target is at least this
stop    = 0.4                       # stop where it is at most this; between them lies the grey zone
tail    = 0.05                      # how bad is bad: the worst 5 % of cases

[option]                            # what can be bought, by name
small  = { N = "1B", D = "20B" }
medium = { N = "3B", D = "60B" }
large  = { N = "7B", D = "140B" }

# [look]                            # a run that could be made first; without it, one halfway to the largest option
# N = "1.4B"
# D = "28B"
"""
