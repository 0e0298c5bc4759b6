"""What a posterior is for: questions, each a plain function of a posterior that returns a frozen record.

=================  ======================================================================
``forecast``       what a run will reach, with an interval and its parts
``threshold``      at what scale an outcome crosses a value; ``track`` and ``crossing``, how
``optimum``        the best inputs and what it costs to miss them: ``regret``; ``trade`` and ``budget``, over what
                   it is sought; ``minimum``, how
``effective``      how large a network of a reference family would have to be for a score
``frontier``       how fast the densest networks grow denser
``risk``           how likely a run misses what it has to reach
``average``        several posteriors as one, with weights
``drawn``          the draws behind a forecast, under one posterior
``mixture``        the draws of an average
``chain``          what one law forecasts as an input of the next
``parts``          what each source of doubt adds to the variance
``extrapolation``  how far a point lies beyond the runs
``drift``          how far a law may go astray there
``disagreement``   how far laws part there, which is part of it
``points``         where a question is asked
``predictive``     new outcomes about the law: the noise
``plot``           pictures that can go into a memo
``evidence``       how probable a law makes the runs: the marginal likelihood
``bridge``         its estimate: bridge sampling
``thames``         a second opinion: the truncated harmonic mean
``nested``         an independent one: nested sampling
``subject``        what an evidence is about, so that only like is compared with like
``sensitivity``    what it owes to the widths of the priors
``compare``        which of several laws the runs support; ``comparison``, the answer, and ``verdict``, its words
``loo``            runs and families predicted by the others
``forward``        dearer runs predicted by cheaper ones
``weights``        how much each of several laws should count
=================  ======================================================================
"""
