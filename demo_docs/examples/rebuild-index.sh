#!/bin/sh
# Build the pages and the index, and put the index where the service reads it.
# Usage: rebuild-index.sh DOCS_DIR SERVED_INDEX
set -eu

docs=$1
served=$2
html=$docs/_build/html

sphinx-build -W -q -b html "$docs" "$html"

# Takes over what did not change, and replaces the served folder in one step when it is whole.
molsys-chat index "$html" -o "$served"

# Fails where the new index answers nothing: a last look before the job is green.
molsys-chat search "$served" "installation" -k 1 > /dev/null
