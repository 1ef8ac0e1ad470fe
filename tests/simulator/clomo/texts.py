# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The panel's words: Japanese and English, in the editions that the manuals show, and what the switches make of them."""

from __future__ import annotations

from ..state import Switches
from . import texts_devices

WORDS: dict[str, tuple[str, str]] = {
    # name: Japanese, English
    "account": ("アカウント", "Account"),
    "password": ("パスワード", "Password"),
    "login": ("ログイン", "Log in"),
    "logout": ("ログアウト", "Log out"),
    "domain": ("利用ドメイン", "Domain"),
    "bad_login": ("アカウントまたはパスワードが違います。", "The account or the password is wrong."),
    "code": ("認証コード", "Authentication Code"),
    "bad_code": ("認証コードが違います。", "The authentication code is wrong."),
    "maintenance": ("メンテナンス中", "Under Maintenance"),
    "maintenance_text": ("ただいまサービスを停止しています。", "The service is down at the moment."),
    "home": ("HOME", "HOME"),
    "devices": ("Devices", "Devices"),
    "users": ("Users/Org", "Users/Org"),
    "applications": ("Applications", "Applications"),
    "reports": ("Reports", "Reports"),
    "settings": ("Settings", "Settings"),
    "loading": ("読み込み中...", "Loading..."),
    "ok": ("OK", "OK"),
    "cancel": ("Cancel", "Cancel"),
    "close": ("閉じる", "Close"),
    "next": ("次へ", "Next"),
    "continue": ("続きから始める", "Continue"),
    "finish": ("完了", "Finish"),
    "save": ("保存", "Save"),
    "execute": ("実行", "Execute"),
    "register": ("登録", "Register"),
    "choose_file": ("ファイルを選択", "Choose File"),
    "ade_choose_file": ("ファイルを選択", "Choose File"),
    "file": ("ファイル", "File"),
    "confirm": ("確認", "Confirm"),
    "error": ("エラー", "Error"),
    "notice": ("お知らせ", "Information"),
    "expiry": ("有効期限", "Expiration Date"),
    "none": ("未登録", "Not registered"),
    "filter": ("検索条件", "Filter"),
    "tag": ("タグ", "Tag"),
    "managed": ("管理端末数/契約数", "Managed Devices/Contract"),
    "person_in_charge": ("担当者名", "Person in Charge"),
    "administrator": ("システム管理者", "System Administrator"),
    "push_certificate": ("MDM プッシュ通知証明書", "MDM Push Certificate"),
    "service_tokens": ("VPP サービストークン", "VPP Service Token"),
    "alerts": ("アラート", "Alerts"),
    "alert_expired": ("{what}の有効期限が切れています。", "{what} has expired."),
    "alert_expiring": ("{what}の有効期限まで {days} 日です。", "{what} expires in {days} days."),
    "alert_none": ("アラートはありません。", "No alerts."),
    "general": ("全般", "General"),
    "basic": ("基本設定", "Basic Settings"),
    "admin_schemes": ("カスタム管理権限スキーム設定", "Custom Administrator Schemes"),
    "mdm": ("Mobile Device Management", "Mobile Device Management"),
    "ios": ("iOS/macOS", "iOS/macOS"),
    "profiles": ("構成プロファイル", "Configuration Profiles"),
    "ade_profiles": ("ADE プロファイル", "ADE Profiles"),
    "agent": ("MDM Agent for iOS 設定", "MDM Agent for iOS Settings"),
    "android": ("Android", "Android"),
    "onebe": ("OneBe設定", "OneBe Settings"),
    "app_portal": ("CLOMO MOBILE APP PORTAL", "CLOMO MOBILE APP PORTAL"),
    "service": ("サービス設定", "Service Settings"),
    "work_smart": ("ワーク・スマート", "Work Smart"),
    "work_smart_sets": ("ワーク・スマート構成", "Work Smart Configurations"),
    "gate": ("CLOMO GATE", "CLOMO GATE"),
    "access": ("アクセスコントロール", "Access Control"),
    "services": ("サービス構成設定", "Service Configuration"),
    "google": ("Google Apps", "Google Apps"),
    "utility": ("ユーティリティ", "Utility"),
    "empty_screen": ("表示する項目はありません。", "There is nothing to show."),
    "system": ("システム構成情報", "System Configuration"),
    "subject": ("プッシュ通知証明書のサブジェクト", "Subject of the Push Certificate"),
    "wizard": ("MDM 構成プロファイルの作成ウィザード", "MDM Configuration Profile Wizard"),
    "enrollment": ("Automated Device Enrollment", "Automated Device Enrollment"),
    "server_token": ("ADE サーバートークン", "ADE Server Token"),
    "server_token_expiry": ("ADE サーバートークンの有効期限", "ADE Server Token Expiration Date"),
    "ade_devices": ("ADE デバイス情報", "ADE Devices"),
    "refresh_devices": ("ADE デバイスの一覧を更新する", "Refresh the List of ADE Devices"),
    "vpp": ("VPP 管理配布", "VPP Managed Distribution"),
    "service_token": ("サービストークン", "Service Token"),
    "choose_organization": ("組織を選択してください", "Choose an organization"),
    "all_organizations": ("全社", "All"),
    "token_name": ("サービストークン名", "Service Token Name"),
    "wizard_intro": (
        "MDM 構成プロファイルに使うプッシュ通知証明書を準備します。",
        "This prepares the push certificate of the MDM configuration profile.",
    ),
    "wizard_confirm": (
        "新しい CSR ファイルを作成します。作成済みの CSR ファイルは使えなくなります。",
        "A new CSR file will be made. A CSR file made earlier can no longer be used.",
    ),
    "person_mail": ("ご担当者様メールアドレス", "Contact E-mail Address"),
    "person_name": ("ご担当者様氏名(半角英数)", "Contact Name (ASCII)"),
    "country": ("会社所在地 国名コード", "Country Code"),
    "form_error": ("入力内容を確認してください。", "Check what you have entered."),
    "download_csr": ("ベンダー署名付き CSR ファイルをダウンロード", "Download the Vendor-Signed CSR File"),
    "csr_text": ("CSR ファイルを保存してから進んでください。", "Save the CSR file before you go on."),
    "portal_text": (
        "CSR ファイルの準備ができました。次のサイトで証明書を発行してください。",
        "The CSR file is ready. Have the certificate issued at this site:",
    ),
    "portal_link": ("Apple Push Certificates Portal", "Apple Push Certificates Portal"),
    "certificate_file": ("プッシュ通知証明書", "Push Certificate"),
    "apple_account": ("Apple Account", "Apple Account"),
    "other_certificate": (
        "前回の証明書と内容が異なります。このまま進めると登録済みのデバイスを管理できなくなります。続けますか?",
        "The certificate differs from the one before. Registered devices could no longer be managed. Go on?",
    ),
    "input_error": (
        "入力エラー:正しい証明書をアップロードするか、ウィザードをはじめからやり直してください。",
        "Input error: upload the right certificate, or start the wizard anew.",
    ),
    "wizard_done": ("プッシュ通知証明書を登録しました。", "The push certificate was registered."),
    "no_file": ("ファイルを選択してください。", "Choose a file."),
    "bad_server_token": ("ADE サーバートークンを読み取れません。", "The ADE server token cannot be read."),
    "bad_service_token": ("サービストークンを読み取れません。", "The service token cannot be read."),
    "saved": ("登録が完了しました。", "Registration completed."),
    "devices_started": ("ADE デバイスの一覧の更新を開始しました。", "The refresh of the ADE device list has started."),
    "devices_completed": (
        "ADE デバイスの一覧の更新が完了しました。",
        "The refresh of the ADE device list is completed.",
    ),
    "devices_failed": ("ADE デバイスの一覧の更新に失敗しました。", "The refresh of the ADE device list has failed."),
    "volume": ("Volume Purchase Program", "Volume Purchase Program"),
    "refresh_licences": ("管理配布のライセンス数を更新", "Refresh the Licenses of Managed Distribution"),
    "licences": ("ライセンス数", "Licenses"),
    "confirm_licences": ("管理配布のライセンス数を更新します。よろしいですか?", "Refresh the number of licenses?"),
    "licences_started": ("ライセンス数の更新を開始しました。", "The refresh of the licenses has started."),
    "licences_completed": ("ライセンス数の更新が完了しました。", "The refresh of the licenses is completed."),
    "licences_failed": ("ライセンス数の更新に失敗しました。", "The refresh of the licenses has failed."),
    "platform": ("プラットフォーム", "Platform"),
    "app_name": ("アプリケーション名", "Application Name"),
    "in_house": ("iOS(インハウス)", "iOS (in-house)"),
    "user_name": ("氏名", "Name"),
    "organization": ("組織", "Organization"),
    "at": ("日時", "Time"),
    "log": ("ログ", "Log"),
    "log_devices": (
        "{tag} ADE デバイス一覧の情報を取得しました。({count} 台)",
        "{tag} ADE device list obtained ({count}).",
    ),
    "log_devices_failed": (
        "[Failed] ADE デバイス一覧の情報を取得できませんでした。",
        "[Failed] ADE device list not obtained.",
    ),
    "log_licences": (
        "{tag} VPP 管理配布のライセンス数を更新しました。({name}: {count})",
        "{tag} VPP licenses refreshed ({name}: {count}).",
    ),
    "log_licences_failed": (
        "[Failed] VPP 管理配布のライセンス数を更新できませんでした。({name})",
        "[Failed] VPP licenses not refreshed ({name}).",
    ),
    "session_ended": (
        "セッションの有効期限が切れました。もう一度ログインしてください。",
        "The session has expired. Log in again.",
    ),
    "trouble": ("サーバーとの通信に失敗しました。", "The server cannot be reached."),
    "unknown_text": ("新しい機能のご案内があります。", "There are new features."),
    **texts_devices.WORDS,
}
OLDER = {
    "devices": "Mobile Devices",
    "users": "Users / Org",
    "ios": "iOS / macOS",
    "apple_account": "Apple ID",
}
OLDER_JAPANESE = {"ade_choose_file": "変更する", **texts_devices.OLDER_JAPANESE}
DEP_JAPANESE = {
    "enrollment": "Device Enrollment Program / Apple School Manager",
    "ade_choose_file": "設定する",
    **{
        name: WORDS[name][0].replace("ADE", "DEP")
        for name in ("server_token", "server_token_expiry", "ade_devices", "refresh_devices", "ade_profiles")
    },
}


def words(switches: Switches) -> dict[str, str]:
    """Every text by its name, as this administrator sees it."""
    japanese = switches.clomo_language == "Japanese"
    found = {name: text[0 if japanese else 1] for name, text in WORDS.items()}
    if switches.clomo_vintage != "newer":
        found |= OLDER
    if switches.clomo_vintage != "newer" and japanese:
        found |= OLDER_JAPANESE
    if switches.clomo_vintage == "dep" and japanese:
        found |= DEP_JAPANESE
    return {name: switches.clomo_moved_labels.get(text, text) for name, text in found.items()}
