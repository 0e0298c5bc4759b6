"""What a posterior is for: questions, each a plain function of a posterior that returns a frozen record.

=================  ===============================================================
"""
