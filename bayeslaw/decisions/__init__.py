"""From answers to decisions: what a run or a recipe is worth, to whoever pays for it.

A layer of its own, after the questions: a decision puts forecasts beside prices.

``choice``      which of several runs to buy: a plan, and what each option is worth
``choice``       which of several runs to buy: a plan, and what each option is worth
``cost``        what runs cost: a formula of their inputs, or a price list
``multiplier``  what a recipe is worth: the factor of compute at equal outcome
``plot``        pictures
==============  ======================================================================
=======
===============  ======================================================================
``choice``       which of several runs to buy: a plan, and what each option is worth
``cost``         what runs cost: a formula of their inputs, or a price list
``multiplier``   what a recipe is worth: the factor of compute at equal outcome
``information``  what a run would tell, before it is made: the next run
``progress``     what a run in progress has shown: where it will end
``joint``        draws of the outcomes of several runs together
``slopes``       how the drift of one run is related to that of another
``plot``         pictures
===============  ======================================================================
"""
