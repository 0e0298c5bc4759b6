"""Which of several laws the runs support.

==============  ======================================================================
``compare``     the question
``comparison``  its answer
``verdict``     Bayes factors in words
``loo``         each run and family predicted by the others
``forward``     larger runs predicted from smaller ones
``weights``     how much each law should count
``averaging``   the verb that makes an average
==============  ======================================================================
"""
