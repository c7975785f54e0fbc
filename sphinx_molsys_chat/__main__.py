"""``python -m sphinx_molsys_chat`` is ``molsys-chat``."""

import sys

from sphinx_molsys_chat.command import main

sys.exit(main())
