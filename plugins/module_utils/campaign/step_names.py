# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people are told of a campaign's steps, in English and Japanese."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["comes_later"]

NAMES = {
    "collect": ("what it is was asked (mdm_device_info)", "情報の収集 (mdm_device_info)"),
    "profiles": ("its profiles are removed (mdm_profile_remove)", "構成プロファイルの削除 (mdm_profile_remove)"),
    "apps": ("its apps are removed (mdm_app_remove)", "アプリの削除 (mdm_app_remove)"),
    "licences": ("its licences are taken back (vpp_license_revoke)", "ライセンスの解除 (vpp_license_revoke)"),
    "delete": ("it has left the MDM server (mdm_device_delete)", "MDM サーバからの削除 (mdm_device_delete)"),
    "unassign": ("it is unassigned at Apple (asm_unassign)", "Apple での割り当て解除 (asm_unassign)"),
    "release": ("it is released at Apple (asm_unassign)", "Apple での所有解除 (asm_unassign)"),
    "wipe": ("it is erased and back (mdm_device_wipe)", "初期化と再登録 (mdm_device_wipe)"),
    "users": ("its user is deleted (mdm_user_delete)", "ユーザの削除 (mdm_user_delete)"),
}


def comes_later(first: str) -> Mapping[str, str]:
    """Why nothing is sent to a device that another step comes first for."""
    en, ja = NAMES[first]
    return {"en": f"Nothing is sent before {en}.", "ja": f"先に{ja}を完了する必要があります。", "first": first}
