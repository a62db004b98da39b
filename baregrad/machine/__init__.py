"""The bottom floor: from instructions by name to functions that the processor runs.

One subject per file. Imports go one way, from the first to the last:

    errors -> registers -> rows -> x86_* tables -> x86 -> encoding -> matching
           -> layout -> listing -> assembler -> memory -> function -> cpu
           -> convention -> barrier -> threads
"""
