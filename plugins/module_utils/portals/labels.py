# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words on Apple's portals, English and Japanese, in the same form as those of CLOMO PANEL."""

from __future__ import annotations

from collections.abc import Mapping

from ..web.label import Label

__all__ = ["BUSINESS", "PUSH"]

LIST, INFO, RENEW = "Certificates for Third-Party Servers", "Certificate Info", "Renew Push Certificate"
START, PREFERENCES, SERVER, BILLING = (
    "Apple School/Business Manager",
    "Preferences",
    "MDM Server",
    "Payments and Billing",
)

PUSH: Mapping[str, Label] = {
    "push.list": Label(LIST, "window", ("Certificates for Third-Party Servers",)),
    "push.get_started": Label(LIST, "window", ("Get Started",)),
    "push.info": Label(LIST, "press", ("Certificate Info", "i", "Info", "ⓘ")),
    "push.renew": Label(LIST, "press", ("Renew",)),
    "push.info_window": Label(INFO, "window", ("Subject DN", "Certificate Info")),
    "push.close": Label(INFO, "press", ("Close", "Cancel", "×", "Done")),
    "push.notes": Label(RENEW, "field", ("Notes",)),
    "push.file": Label(
        RENEW, "file", ("Vendor-Signed Certificate Signing Request", "Choose File", "ファイルを選択", "Browse…")
    ),
    "push.upload": Label(RENEW, "press", ("Upload",)),
    "push.download": Label("Confirmation", "press", ("Download",)),
    "push.refused": Label(RENEW, "window", ("Invalid Certificate Signing Request", "Upload failed")),
}

BUSINESS: Mapping[str, Label] = {
    "business.get_started": Label(START, "window", ("Get Started",)),
    "business.account": Label(START, "press", ("Account",)),
    "business.preferences": Label(START, "press", ("Preferences", "環境設定")),
    "business.servers": Label(PREFERENCES, "window", ("MDM Servers", "MDM サーバ", "Device Management Services")),
    "business.server": Label(PREFERENCES, "press", ("MDM Server",)),
    "business.key_file": Label(SERVER, "file", ("Public key", "Public Key", "公開鍵", "Choose File", "ファイルを選択")),
    "business.key_upload": Label(SERVER, "press", ("Upload Public Key", "公開鍵をアップロード", "Save", "保存")),
    "business.key_stored": Label(
        SERVER, "notice", ("…public key was stored…", "…public key is stored…", "…公開鍵は登録済み…", "…公開鍵を登録…")
    ),
    "business.download": Label(
        SERVER,
        "press",
        (
            "Download MDM Server Token",
            "Download Server Token",
            "MDM サーバトークンをダウンロード",
            "MDM サーバートークンをダウンロード",
        ),
    ),
    "business.billing": Label(PREFERENCES, "press", ("Payments and Billing", "お支払いと請求")),
    "business.tokens": Label(BILLING, "window", ("Content Tokens", "コンテンツトークン", "Server Tokens")),
    "business.location": Label(BILLING, "window", ("Location",)),
    "business.token_download": Label(BILLING, "press", ("Download", "ダウンロード")),
}
