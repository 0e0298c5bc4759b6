"""Decisions: what runs and recipes are worth.

==================  ======================================================================
``decide``          which of several runs to buy, by a plan
``multiplier``      what a recipe is worth
==================  ======================================================================
"""
