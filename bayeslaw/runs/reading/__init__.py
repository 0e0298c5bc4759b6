"""Reading: files and frames as plain columns.

=============  ==========================================================================
``sources``    a path, a frame or a mapping, whichever is given
``encodings``  the text of a file
``header``     the rows above the first run
``delimited``  tables with a separator: CSV and its relatives
``objects``    JSON: lines, arrays, nested objects
``workbook``   spreadsheets, by an extra
``cells``      columns of cells as columns of numbers or of text
``numerals``   numbers as people write them
=============  ==========================================================================
"""
