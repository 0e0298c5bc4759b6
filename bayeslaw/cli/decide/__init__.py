"""Decisions: what runs and recipes are worth.

==================  ======================================================================
``decide``          which of several runs to buy, by a plan
``multiplier``      what a recipe is worth
``next_runs``       the small run that tells most about a large one
``report``          a page about a planned run
``update``          where a run in progress will end
==================  ======================================================================
"""
