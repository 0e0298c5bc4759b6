"""The back-test: the largest runs hidden, and forecast from the others.

=====================  ======================================================================
``backtest``           the verb
``origins``            which runs are seen and which are hidden
``ahead``              laws fitted to what an origin sees, and their forecasts of the rest
``rivals``             common practice: Huber loss and a bootstrap
``scores``             how good forecasts were
``report``             the results, and what follows
``plot``               the picture of it
``best_sizes``         the verb for the best size at each hidden budget
``best_sizes_report``  its results
=====================  ======================================================================
"""
