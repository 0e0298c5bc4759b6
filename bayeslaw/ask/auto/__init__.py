"""Laws that suit a table.

==============  ==========================================================
``fit``         the main verb: a law, or those that suit, fitted to runs
``choice``      which laws suit, by the outcome and the inputs there are
==============  ==========================================================
"""
