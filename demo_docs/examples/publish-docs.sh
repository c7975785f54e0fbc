#!/bin/sh
# Build the pages with the index in them, measure it, and put both where a web server reads them.
# Usage: publish-docs.sh DOCS_DIR WEB_ROOT BASE_URL [QUESTIONS]
set -eu

docs=$1
root=$2
base_url=$3
questions=${4:-}
html=$docs/_build/html

# Takes over what did not change since the last build. Without an index there is no site (-W).
sphinx-build -W -q -b html -d "$docs/_build/doctrees" \
    -D molsys_chat_build_index=1 -D html_baseurl="$base_url" "$docs" "$html"

# Ends here where too many questions are no longer found: then nothing is published.
if [ -n "$questions" ]; then
    molsys-chat eval retrieval --index "$html/_chat" --questions "$questions" \
        --out "$docs/_build/ranked.jsonl" --min-recall5 "${MIN_RECALL5:-0.8}"
fi

# Beside the published site first, then in its place.
rm -rf "$root.new" "$root.old"
cp -R "$html" "$root.new"
if [ -e "$root" ]; then mv "$root" "$root.old"; fi
mv "$root.new" "$root"
rm -rf "$root.old"
