"""The hierarchical model: one plan, and its readers.

=================  ======================================================================
``pooling``        how a parameter is shared between groups
``plan``           what is sampled, how parameters are built from it, and the data
``values``         draws of the priors, and the parameters of every run that values make up
``data_terms``     terms that depend on data alone, computed once
``distributions``  the law language in JAX and NumPyro
``predict``        from sampled values to the distribution of every outcome
``flat_model``     a NumPyro model as a density over one flat vector
``plan_model``     the plan as such a density, which is sampled
``numpyro_model``  the plan as a NumPyro model, to be extended
``starts``         flat vectors drawn from the priors, where searches begin
``pymc_model``     the plan as a PyMC model, to be extended
=================  ======================================================================
"""
