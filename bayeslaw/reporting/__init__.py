"""A page to decide from: what is known of one planned run, for people, paper and phones.

===============  =========================================================
``report``       the question and its answer
``record``       the answer: the page as a file, and what it says in short
``question``     the run, the target and the plan that it is about
``parts``        all answers that a page is made of
``along``        the forecast along budgets, with the runs moved to it
``hidden_runs``  a back-test, as a record or as a file that was kept
``card``         pass, look or fail, with a sentence each
``verdict``      the answer in one paragraph
``tables``       its tables
``pictures``     its pictures, in a grammar of graphics
``what_if``      draws and formulas, for a page that answers again
``page``         all of it as one file of HTML
===============  =========================================================
"""
