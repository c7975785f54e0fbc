"""Members of the types that Python code commonly passes around: they are nobody's invention."""

import builtins
import itertools
import math
from datetime import datetime
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from types import GeneratorType

import numpy as np

_TYPES = (
    str, bytes, int, float, complex, list, tuple, dict, set, slice, range, datetime, Path,
    TextIOWrapper, BufferedReader, GeneratorType, BaseException, np.ndarray, np.generic, np.dtype,
)  # fmt: skip

_FRAMES = """
    agg aggregate align apply applymap assign astype at_time bfill boxplot columns combine
    corr corrwith count cov cumsum describe diff drop drop_duplicates dropna duplicated empty
    explode ffill fillna filter first groupby head hist iat idxmax idxmin iloc index info
    insert interpolate isin isna isnull items iterrows itertuples join kurt last loc map mask
    median melt merge nlargest nsmallest notna notnull nunique pct_change pivot pivot_table plot
    quantile query rank reindex rename replace resample reset_index rolling sample select_dtypes
    set_index shift sort_index sort_values stack tail to_clipboard to_csv to_dict to_excel
    to_frame to_hdf to_html to_json to_latex to_list to_markdown to_numpy to_parquet to_pickle
    to_sql to_string transform unique unstack value_counts values where xs
"""
"""Methods and attributes of pandas' ``DataFrame`` and ``Series`` beyond those of arrays."""

LIBRARY_MEMBERS = frozenset[str]().union(*map(dir, _TYPES))
"""Members of Python's own types and of NumPy's arrays."""
LIBRARY_FUNCTIONS = frozenset(dir(builtins)).union(dir(np), dir(math), dir(itertools))
"""Functions that Python code commonly calls by their bare names."""
TABLE_MEMBERS = frozenset(_FRAMES.split())
"""Members of pandas' tables beyond those."""
