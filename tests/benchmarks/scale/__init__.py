"""Parts of ``tests/benchmarks/scale.py``."""
