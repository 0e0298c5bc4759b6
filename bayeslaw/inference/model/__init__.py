"""The hierarchical model: one plan, two interpreters.

=================  ======================================================================
``pooling``        how a parameter is shared between groups
``plan``           what is sampled, how parameters are built from it, and the data
``data_terms``     terms that depend on data alone, computed once
``numpyro_model``  the plan as a NumPyro model, to be sampled
``flat_model``     a NumPyro model as a function of one flat vector
``starts``         flat vectors drawn from the priors, where searches begin
``pymc_model``     the plan as a PyMC model, to be extended
=================  ======================================================================
"""
