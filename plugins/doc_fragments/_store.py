# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that say where orders live."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  order_store:
    description:
      - Where orders live, for ever. An absolute path of a folder on the host where the module runs, or the URL of a
        database, V(postgresql+psycopg://user:password@host/name) or V(sqlite:////absolute/path.db), for AWX, whose
        containers forget their disk.
    type: str
    required: true
  order_store_key:
    description:
      - Encrypts private keys and tokens in a database. Needed for a database only. A Fernet key, 32 random bytes in URL-safe
        base64. Keep it in a vault; without it the keys in the database are lost.
    type: str
"""

    # With its type, because ansible-test's yamllint takes a plain assignment for text.
    OPTIONAL: str = DOCUMENTATION.replace("    required: true\n", "")
