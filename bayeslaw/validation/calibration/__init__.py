"""Simulation-based calibration.

==============  ======================================================================
``sbc``         the verb and its report
``simulation``  tables of runs drawn from a plan
``ranks``       where true values rank among draws
==============  ======================================================================
"""
