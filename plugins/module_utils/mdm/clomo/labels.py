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
DEVICES, DEVICE, COMMAND, USERS = "Devices", "デバイス情報", "このデバイスの操作", "Users/Org"

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
    "anywhere.loading": Label(ANYWHERE, "notice", ("読み込み中…", "ロード中…", "Loading…")),
    "tabs.devices": Label(TABS, "press", ("Devices", "Mobile Devices")),
    "tabs.users": Label(TABS, "press", ("Users/Org", "Users / Org")),
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
    "reports.list": Label(REPORTS, "list", ("Reports",)),
    "reports.search": Label(REPORTS, "field", ("検索",)),
    "reports.search_now": Label(REPORTS, "button", ("検索",)),
    "reports.at": Label(REPORTS, "column", ("日時",)),
    "reports.target": Label(REPORTS, "column", ("対象", "デバイス")),
    "reports.log": Label(REPORTS, "column", ("ログ", "内容")),
    "reports.next": Label(REPORTS, "button", ("次のページ", "次へ")),
    "reports.page": Label(REPORTS, "notice", ("… / …",)),
    "reports.revocation": Label(REPORTS, "row", ("ライセンスの剥奪",)),
    "devices.exchange": Label(DEVICES, "button", ("Import/Export",)),
    "devices.export": Label(DEVICES, "window", ("Export", "エクスポート")),
    "devices.export_kind": Label(DEVICES, "press", ("デバイス情報",)),
    "devices.encoding": Label(DEVICES, "choice", ("文字コード",)),
    "devices.export_now": Label(DEVICES, "button", ("実行", "エクスポート", "Export")),
    "devices.list": Label(DEVICES, "list", ("Devices", "Mobile Devices")),
    "devices.search": Label(DEVICES, "field", ("検索",)),
    "devices.search_now": Label(DEVICES, "button", ("検索",)),
    "devices.ticked": Label(DEVICES, "notice", ("選択中…件",)),
    "devices.name": Label(DEVICES, "column", ("デバイス名",)),
    "devices.serial": Label(DEVICES, "column", ("シリアル番号", "シリアルナンバー")),
    "devices.owner": Label(DEVICES, "column", ("所有者",)),
    "devices.organization": Label(DEVICES, "column", ("組織", "所属組織")),
    "devices.state": Label(DEVICES, "column", ("状態",)),
    "devices.struck": Label(DEVICES, "window", ("取消線", "初期化済み", "削除済み")),
    "device.details": Label(DEVICE, "button", ("デバイスの詳細情報",)),
    "device.profiles": Label(DEVICE, "button", ("構成プロファイル",)),
    "device.profile_list": Label(DEVICE, "list", ("構成プロファイル",)),
    "device.mdm_profile": Label(DEVICE, "row", ("MDM 構成プロファイル", "MDM構成プロファイル", "…MDM Profile…")),
    "device.apps": Label(DEVICE, "button", ("アプリケーション",)),
    "device.app_list": Label(DEVICE, "list", ("アプリケーション",)),
    "device.app_managed": Label(DEVICE, "row", ("管理対象",)),
    "device.agent": Label(DEVICE, "row", ("CLOMO MDM Agent", "MDM Agent", "MDM Agent for iOS")),
    "device.licences": Label(
        DEVICE,
        "list",
        (
            "VPP 管理配布でユーザーにライセンスが割り当てられているアプリケーション一覧",
            "VPP管理配布でユーザーにライセンスが割り当てられているアプリケーション一覧",
        ),
    ),
    "device.edit": Label(DEVICE, "button", ("デバイスの編集",)),
    "device.certificates": Label(DEVICE, "button", ("証明書",)),
    "device.certificate_list": Label(DEVICE, "list", ("証明書",)),
    "device.serial": Label(DEVICE, "caption", ("シリアル番号", "シリアルナンバー")),
    "device.name": Label(DEVICE, "caption", ("デバイス名",)),
    "device.owner": Label(DEVICE, "caption", ("所有者",)),
    "device.organization": Label(DEVICE, "caption", ("組織", "所属組織")),
    "device.os": Label(DEVICE, "caption", ("OS バージョン", "OSバージョン")),
    "device.supervised": Label(DEVICE, "caption", ("監視対象", "監視対象モード")),
    "device.lost": Label(DEVICE, "caption", ("紛失モード",)),
    "device.lock": Label(DEVICE, "caption", ("アクティベーションロック",)),
    "device.work_smart": Label(DEVICE, "caption", ("ワーク・スマート構成",)),
    "device.contact": Label(DEVICE, "caption", ("最終通信日時",)),
    "device.ade": Label(DEVICE, "window", ("ADE デバイス情報", "DEP デバイス情報", "ADEデバイス情報")),
    "device.tags": Label(DEVICE, "caption", ("タグ",)),
    "device.memo": Label(DEVICE, "caption", ("メモ",)),
    "device.yes": Label(DEVICE, "row", ("はい", "有効", "ON", "オン", "あり", "Yes")),
    "command.list": Label(COMMAND, "choice", ("コマンドを選択してください",)),
    "command.menu": Label(COMMAND, "button", ("このデバイスの操作",)),
    "command.section": Label(COMMAND, "window", ("このデバイスの操作",)),
    "command.go": Label(COMMAND, "button", ("次へ", "実行")),
    "command.next": Label(COMMAND, "button", ("次へ",)),
    "command.run": Label(COMMAND, "button", ("実行",)),
    "command.targets": Label(COMMAND, "list", ("対象デバイス",)),
    "command.count": Label(COMMAND, "notice", ("対象…件", "…台のデバイス…", "…人のユーザー…")),
    "command.confirm": Label(COMMAND, "window", ("…よろしい…", "…実行します…", "…開始します…", "確認")),
    "command.refused": Label(
        COMMAND,
        "notice",
        ("…できません…", "…見つかりません…", "…失敗…", "…エラー…"),
    ),
    "command.trouble": Label(
        COMMAND, "notice", ("…通信…失敗…", "…通信エラー…", "…タイムアウト…", "…サーバーエラー…", "…サーバエラー…")
    ),
    "command.related": Label(COMMAND, "notice", ("…関係情報…存在…",)),
    "command.work_smart": Label(COMMAND, "notice", ("…ワーク・スマート…",)),
    "command.yes": Label(COMMAND, "field", ("YES と入力してください", "「YES」と入力してください", "YES")),
    "command.error": Label(COMMAND, "window", ("エラー", "…できません…", "…見つかりません…")),
    "command.information": Label(COMMAND, "window", ("デバイス情報を取得",)),
    "command.profile_list": Label(COMMAND, "window", ("インストールされている構成プロファイルを取得",)),
    "command.app_list": Label(COMMAND, "window", ("インストールされているアプリケーションを取得",)),
    "command.remove_profile": Label(COMMAND, "window", ("構成プロファイルを削除",)),
    "command.remove_app": Label(COMMAND, "window", ("アプリケーションのアンインストール",)),
    "command.revoke": Label(
        COMMAND,
        "window",
        ("VPP アプリケーションライセンスの剥奪(デバイス向け)", "VPPアプリケーションライセンスの剥奪(デバイス向け)"),
    ),
    "command.delete": Label(COMMAND, "window", ("デバイスを削除する", "デバイスを削除")),
    "command.delete_apps": Label(COMMAND, "tick", ("自動インストールしたアプリを削除する",)),
    "command.delete_now": Label(COMMAND, "button", ("デバイスを削除", "デバイスを削除する")),
    "command.erase": Label(COMMAND, "window", ("デバイスを初期化",)),
    "command.return": Label(COMMAND, "tick", ("MDM への再登録(Return to service)", "MDMへの再登録(Return to service)")),
    "command.carry_over": Label(COMMAND, "tick", ("所有者・タグ・メモを引き継ぐ",)),
    "command.erase_now": Label(COMMAND, "button", ("デバイスを初期化",)),
    "command.purge": Label(COMMAND, "window", ("デバイスの情報を完全に削除",)),
    "users.list": Label(USERS, "list", ("Users", "Users/Org", "Users / Org")),
    "users.search": Label(USERS, "field", ("検索",)),
    "users.search_now": Label(USERS, "button", ("検索",)),
    "users.ticked": Label(USERS, "notice", ("選択中…件",)),
    "users.name": Label(USERS, "column", ("氏名", "ユーザー名")),
    "users.mail": Label(USERS, "column", ("メールアドレス",)),
    "users.role": Label(USERS, "column", ("管理者権限",)),
    "users.owned": Label(USERS, "column", ("所有デバイス",)),
    "users.shown_mail": Label(USERS, "caption", ("メールアドレス",)),
    "users.shown_role": Label(USERS, "caption", ("管理者権限",)),
    "users.devices": Label(USERS, "list", ("所有デバイス",)),
    "users.edit": Label(USERS, "button", ("ユーザーの情報を編集", "ユーザの情報を編集")),
    "users.form": Label(USERS, "window", ("ユーザーの情報を編集", "ユーザの情報を編集")),
    "users.delete": Label(USERS, "button", ("削除",)),
    "users.operations": Label(USERS, "choice", ("このユーザーの操作", "このユーザの操作")),
    "users.section": Label(USERS, "window", ("このユーザーの操作", "このユーザの操作")),
    "users.delete_many": Label(USERS, "button", ("ユーザを削除", "ユーザーを削除")),
    "users.run": Label(USERS, "button", ("実行",)),
    "users.targets": Label(USERS, "list", ("対象ユーザー", "対象ユーザ")),
    "users.confirm": Label(USERS, "window", ("…削除します…", "…よろしい…", "確認")),
    "users.deleted": Label(
        USERS, "notice", ("…ユーザ情報を削除しました…", "…ユーザー情報を削除しました…", "…一括削除処理が完了しました…")
    ),
    "users.started": Label(USERS, "notice", ("…開始しました…",)),
    "organizations.tree": Label(USERS, "list", ("組織",)),
    "organizations.edit": Label(USERS, "button", ("組織の情報を編集",)),
    "organizations.form": Label(USERS, "window", ("組織の情報を編集",)),
    "organizations.name": Label(USERS, "field", ("組織名",)),
    "organizations.delete": Label(USERS, "button", ("削除",)),
    "organizations.deleted": Label(USERS, "notice", ("…組織情報を削除しました…", "…組織を削除しました…")),
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
