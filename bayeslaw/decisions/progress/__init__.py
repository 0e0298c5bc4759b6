"""What a run in progress has shown, and what follows for its end.

===========  ======================================================================
``update``   the question: where a run will end, given what it has shown
``outlook``  its answer
``scatter``  how checkpoints of one run share their scatter about the law
``pareto``   weights of draws, smoothed, and whether they can be trusted
===========  ======================================================================
"""
