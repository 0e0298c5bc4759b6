"""Simulation-based calibration.

==============  ======================================================================
``sbc``         the verb and its report
``simulation``  tables of runs drawn from a plan
``subject``     what of a law a report is about
``ranks``       where true values rank among draws
``plot``        the ranks as a picture
==============  ======================================================================
"""
