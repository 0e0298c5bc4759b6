"""Which of several runs to buy: a plan, and what each of its options is worth.

============  ======================================================================
``decide``    the question
``answer``    its answer, in words and for JSON
``example``   a plan that runs, to be changed
``plan``      what is at stake: options, target, cost, utility, thresholds
``chances``   probabilities and means of draws, with their Monte-Carlo error
``utility``   what options are worth, draw by draw
``reach``     the least budget at which a target is likely enough
``look``      how often a plan would go or stop wrongly after one more run
============  ======================================================================
"""
