# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command in our virtual environment with the collection laid: run.py NAME-OF-THE-TREE COMMAND [ARGUMENTS]."""

from __future__ import annotations

import os
import sys

from environments import make_own
from lay import lay
from work import environment

if __name__ == "__main__":
    make_own()
    tree, collection = lay(sys.argv[1])
    os.chdir(collection)
    variables = environment(tree=tree)
    os.execvpe(sys.argv[2], sys.argv[2:], variables)
