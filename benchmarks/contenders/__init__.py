"""The libraries that are measured: a module for each, with the functions that make its steps.

A maker takes a task and a number of threads, and returns a `harness.tasks.Run`. Modules are
imported by the process that measures them, and by no other.
"""
