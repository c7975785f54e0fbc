"""Units of memory."""

GIB = 2**30
"""Bytes of a gibibyte, the unit in which vLLM and ``nvidia-smi`` count memory."""
