"""The bottom floor: from instructions by name to functions that the processor runs.

One subject per file. Imports go one way; each file knows only those before it:

``errors``, ``registers`` (operands), ``rows`` (the tables' notation), ``x86_general``,
``x86_vector``, ``x86_integer``, ``x86_move`` (the tables), ``x86`` (all of them), ``encoding``
(the rules), ``matching`` (which row), ``layout`` (where), ``listing``, ``assembler``; then
``pages`` (of the operating system), ``memory``, ``function``, ``convention`` (of calls), ``cpu``,
``barrier``, ``team``, ``threads``.
"""
