"""Programs that train a network for MNIST until it is good enough: a module for each library.

Each is run as ``python -m mnist.own FOLDER THREADS`` and prints a line of JSON.
"""
