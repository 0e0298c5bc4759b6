"""Tracking: what trackers, trainers and evaluations leave behind, as tables of runs.

===============  ==========================================================================
``source``       which file reads a source, by the word before its path
``histories``    runs with histories as one table: the last values, or whole curves
``joining``      columns of a second table with the same runs
``stored``       files of a store, as text and as JSON
``lm_eval``      results of lm-eval
``mlflow``       MLflow: an SQLite file or a folder
``tensorboard``  TensorBoard's event files, by an extra
``trainer``      ``trainer_state.json`` of Hugging Face
``wandb``        Weights & Biases: which of its forms is at a path
``wandb_log``    the log that it keeps of a run
``wandb_table``  its exports: charts and tables of runs
``written``      a table as the text of a CSV file
===============  ==========================================================================

A source is a word in ``bayeslaw/paths.py`` and a file here with a function ``read``.  Stores are read and never
written.  Their own libraries are imported only where they can promise that: MLflow's makes folders, wants databases
upgraded and takes six seconds to import, and that of Weights & Biases cannot read its own logs.
"""
