# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that name a tenant and its MDM server alone."""

from __future__ import annotations

from ._tenant import ModuleDocFragment as Tenant


class ModuleDocFragment:
    # Those of _tenant without the orders': the tenant, and from mdm on all.
    DOCUMENTATION: str = (
        Tenant.DOCUMENTATION[: Tenant.DOCUMENTATION.index("  renew_before_days:")]
        + Tenant.DOCUMENTATION[Tenant.DOCUMENTATION.index("  mdm:") :]
    )

    # For a module that can do without a server: mdm alone.
    OPTIONAL: str = "options:\n" + Tenant.DOCUMENTATION[Tenant.DOCUMENTATION.index("  mdm:") :].replace(
        "    required: true\n", ""
    )
