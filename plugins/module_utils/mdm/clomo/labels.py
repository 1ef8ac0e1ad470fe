# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The words on CLOMO PANEL, all of them: where each stands, what it is, and the texts that are accepted for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..._errors import ConfigurationError
from ...web.label import Label

__all__ = ["LABELS", "labels_with"]

LOGIN, TABS, HOME, SETTINGS = "ログイン", "上部のタブ", "HOME", "Settings"
IOS, WIZARD, PORTAL = (
    "iOS/macOS 基本設定",
    "MDM 構成プロファイルの作成ウィザード",
    "CLOMO MOBILE APP PORTAL サービス設定",
)
APPLICATIONS, REPORTS, ANYWHERE = "Applications", "Reports", "どの画面でも"

LABELS: Mapping[str, Label] = {
    "login.account": Label(LOGIN, "field", ("アカウント", "アカウント名", "CLOMO アカウント")),
    "login.password": Label(LOGIN, "field", ("パスワード",)),
    "login.submit": Label(LOGIN, "press", ("ログイン", "サインイン")),
    "login.code": Label(LOGIN, "field", ("認証コード", "確認コード")),
    "login.code_submit": Label(LOGIN, "press", ("認証", "ログイン", "確認", "送信", "次へ")),
    "login.refused": Label(
        LOGIN,
        "notice",
        (
            "…正しくありません…",
            "…正しくない…",
            "…間違って…",
            "…誤って…",
            "…失敗しました…",
            "…一致しません…",
            "…ロック…",
        ),
    ),
    "login.english": Label(LOGIN, "field", ("Password", "Account")),
    "anywhere.maintenance": Label(
        ANYWHERE, "notice", ("…メンテナンス中…", "…メンテナンスのため…", "…メンテナンスを実施…")
    ),
    "anywhere.session_over": Label(
        ANYWHERE,
        "notice",
        ("…セッション…切れ…", "…セッション…無効…", "…タイムアウト…", "…再度ログイン…", "…再ログイン…"),
    ),
    "anywhere.ok": Label(ANYWHERE, "press", ("OK", "はい")),
    "anywhere.cancel": Label(ANYWHERE, "press", ("Cancel", "キャンセル", "いいえ")),
    "tabs.home": Label(TABS, "press", ("HOME", "Home")),
    "tabs.applications": Label(TABS, "press", ("Applications",)),
    "tabs.reports": Label(TABS, "press", ("Reports",)),
    "tabs.settings": Label(TABS, "press", ("Settings",)),
    "home.mdm": Label(HOME, "window", ("Mobile Device Management",)),
    "home.devices": Label(HOME, "caption", ("管理端末数/契約数", "管理端末数 / 契約数", "管理端末数")),
    "home.push_certificate": Label(HOME, "caption", ("MDM プッシュ通知証明書", "MDMプッシュ通知証明書")),
    "home.content_token": Label(HOME, "caption", ("VPP サービストークン", "VPPサービストークン")),
    "settings.general": Label(SETTINGS, "press", ("全般",)),
    "settings.mdm": Label(SETTINGS, "press", ("Mobile Device Management",)),
    "settings.ios": Label(SETTINGS, "press", ("iOS/macOS", "iOS / macOS")),
    "settings.ios_basic": Label(SETTINGS, "press", ("基本設定",)),
    "settings.portal": Label(SETTINGS, "press", ("CLOMO MOBILE APP PORTAL",)),
    "settings.portal_service": Label(SETTINGS, "press", ("サービス設定",)),
    "ios.subject": Label(IOS, "caption", ("プッシュ通知証明書のサブジェクト",)),
    "ios.wizard": Label(IOS, "press", ("MDM 構成プロファイルの作成ウィザード", "MDM構成プロファイルの作成ウィザード")),
    "ios.ade": Label(
        IOS,
        "window",
        (
            "Automated Device Enrollment",
            "Automated Device Enrollment(ADE)",
            "Device Enrollment Program",
            "Device Enrollment Program / Apple School Manager",
        ),
    ),
    "ios.server_token": Label(IOS, "caption", ("ADE サーバートークン", "DEP サーバートークン")),
    "ios.server_token_file": Label(IOS, "file", ("ファイルを選択", "変更する", "設定する")),
    "ios.server_token_end": Label(IOS, "caption", ("ADE サーバートークンの有効期限", "DEP サーバートークンの有効期限")),
    "ios.devices": Label(IOS, "caption", ("ADE デバイス情報", "DEP デバイス情報")),
    "ios.save": Label(IOS, "press", ("保存",)),
    "ios.refresh": Label(
        IOS, "press", ("ADE デバイスの一覧を更新する", "DEP デバイスの一覧を更新する", "ADEデバイスの一覧を更新する")
    ),
    "wizard.next": Label(WIZARD, "press", ("次へ",)),
    "wizard.continue": Label(WIZARD, "press", ("続きから始める",)),
    "wizard.restart": Label(WIZARD, "window", ("…CSR…", "…証明書…", "…構成プロファイル…", "…再インストール…")),
    "wizard.email": Label(WIZARD, "field", ("ご担当者様メールアドレス",)),
    "wizard.name": Label(WIZARD, "field", ("ご担当者様氏名(半角英数)", "ご担当者様氏名")),
    "wizard.country": Label(WIZARD, "field", ("会社所在地 国名コード",)),
    "wizard.download": Label(
        WIZARD, "press", ("ベンダー署名付き CSR ファイルをダウンロード", "ベンダー署名付きCSRファイルをダウンロード")
    ),
    "wizard.portal": Label(WIZARD, "press", ("Apple Push Certificates Portal", "Apple Push Certificate Portal")),
    "wizard.file": Label(WIZARD, "file", ("ファイルを選択", "変更する")),
    "wizard.apple_account": Label(WIZARD, "field", ("Apple Account", "Apple ID")),
    "wizard.differs": Label(
        WIZARD, "window", ("…異なり…", "…異なる…", "…違い…", "…前回…", "…一致し…", "…疎通…", "…よろしいですか…")
    ),
    "wizard.input_error": Label(WIZARD, "notice", ("…入力エラー…",)),
    "wizard.finish": Label(WIZARD, "press", ("完了",)),
    "portal.token": Label(PORTAL, "window", ("VPP 管理配布", "VPP 管理配布のサービストークン", "サービストークン")),
    "portal.organization": Label(PORTAL, "choice", ("組織を選択してください",)),
    "portal.file": Label(PORTAL, "file", ("ファイルを選択", "変更する")),
    "portal.register": Label(PORTAL, "press", ("登録",)),
    "portal.token_end": Label(
        PORTAL,
        "caption",
        ("有効期限", "サービストークンの有効期限", "VPP サービストークンの有効期限", "トークンの有効期限"),
    ),
    "portal.save": Label(PORTAL, "press", ("保存",)),
    "notice.saved": Label(ANYWHERE, "notice", ("…完了…", "…登録しました…", "…保存しました…", "…更新しました…")),
    "notice.started": Label(ANYWHERE, "notice", ("…開始…", "…更新中…", "…取得中…")),
    "notice.failed": Label(
        ANYWHERE, "notice", ("…失敗…", "…エラー…", "…できません…", "…不正な…", "…無効な…", "…正しくありません…")
    ),
    "applications.list": Label(APPLICATIONS, "row", ("licence_check_app",)),
    "applications.program": Label(APPLICATIONS, "window", ("Volume Purchase Program", "Volume Purchase Program(VPP)")),
    "applications.licences": Label(APPLICATIONS, "tick", ("管理配布のライセンス数を更新",)),
    "applications.run": Label(APPLICATIONS, "press", ("実行",)),
    "applications.confirm": Label(APPLICATIONS, "window", ("…ライセンス…", "…よろしい…", "…更新し…")),
    "reports.list_obtained": Label(
        REPORTS, "notice", ("…ADE…一覧…完了…", "…ADE…一覧…取得…", "…DEP…一覧…完了…", "…DEP…一覧…取得…")
    ),
}


def labels_with(overrides: Mapping[str, str] | None) -> Mapping[str, Label]:
    """The table with a tenant's own texts in place of ours."""
    unknown = sorted(set(overrides or {}) - set(LABELS))
    if unknown:
        raise ConfigurationError(
            f"The option labels names {', '.join(unknown)}, which no screen has. Nothing was changed. The driver's page"
            " lists the keys."
        )
    own = {key: replace(LABELS[key], texts=(str(text),)) for key, text in (overrides or {}).items()}
    return {**LABELS, **own}
