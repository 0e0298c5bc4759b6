"""What a posterior is for: questions, each a plain function of a posterior that returns a frozen record.

===============  ======================================================================
``forecast``     what a run will reach, with an interval and its parts
``optimum``      the best choice of inputs and what it costs to miss it: ``regret``; over what it is sought: ``trade``,
                 ``budget``; how: ``minimum``
``points``       where a question is asked
``predictive``   new outcomes about the law: the noise
``plot``         pictures that can go into a memo
===============  ======================================================================
"""
