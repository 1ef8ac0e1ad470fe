# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hand-off's sentences, English and Japanese, for instructions.py.

<b> is something to press or read on a page, <code> something to compare or copy, <a> a link; names in braces are
filled in, escaped and marked up, by instructions.py. Both languages have the same keys, names and numbers of lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["WORDING"]

_EN: Mapping[str, Any] = {
    "language": "English",
    "other_language": "日本語",
    "portal_business": "Apple Business Manager",
    "portal_school": "Apple School Manager",
    "left": {
        "many": "{days} days left",
        "one": "1 day left",
        "hours": "less than one day left",
        "over": "ended already",
    },
    "headings": {
        "facts": "At a glance",
        "refused": "What was wrong with the file",
        "steps": "What to do",
        "trouble": "If something looks different",
        "safe": "Good to know",
        "next": "And then?",
    },
    "labels": {
        "tenant": "Organisation",
        "order": "Order",
        "account": "Apple Account",
        "push_certificate": "UID of the certificate",
        "server_token": "MDM server in the portal",
        "content_token": "Location of the token",
        "not_after": "Valid until",
        "request": "File to upload",
        "note": "Entry for Notes",
        "inbox": "Folder for the downloaded file",
        "variable": "Field for the downloaded file",
    },
    "roles": {
        "server_token": "an account with the role Administrator or Device Enrolment Manager, best the same as last year",
        "content_token": "an account with the role Administrator or Content Manager, best the same as last year",
    },
    "refused_stays": "The file was not used and is still where you put it. Nothing is broken.",
    "cure": "What to do:",
    "title": {
        "push_certificate": "Renew the push certificate of {tenant}",
        "server_token": "Renew the server token of {tenant}",
        "content_token": "Renew the content token of {tenant}",
    },
    "why": {
        "push_certificate": "With this certificate the MDM server calls the iPads. It has to be renewed once a year,"
        " on a page of Apple's that only a person can sign in to. Allow ten minutes.",
        "server_token": "With this token the MDM server learns which iPads belong to you, so that they set themselves"
        " up. It has to be fetched once a year from {portal}, where only a person can sign in. Allow ten minutes.",
        "content_token": "With this token the MDM server hands out the apps and books you own. It has to be fetched"
        " once a year from {portal}, where only a person can sign in. Allow five minutes.",
    },
    "alarm": {
        "push_certificate": (
            "Press Renew, never Create a Certificate",
            "A created certificate has another UID, and no iPad listens to it: each would have to be enrolled again by"
            " hand. If the row with the right UID is not there, stop. As long as you have only looked, nothing has"
            " changed.",
        ),
        "server_token": (
            "Do not stop between the download and the last step",
            "As soon as a new token is downloaded, expect the one in use to end. iPads that are set up already are not"
            " touched by this, but new ones wait until the downloaded file is handed in.",
        ),
        "content_token": (
            "Download once, and hand the file in at once",
            "A newer download can end the token before it, the one in use included. Until the file is handed in, apps"
            " may not be assigned; apps that are installed stay.",
        ),
    },
    "unknown": {
        "title": "First the Apple Account has to be known",
        "intro": "The certificate can be renewed only with the Apple Account that made it, and nobody has told us"
        " which one that is. The steps are left out here, so that nobody tries with another. You find it out:",
        "ways": (
            "in last year's papers: the order of the last renewal, a handover note, a password manager;",
            "in the mail: Apple writes to that account 30, 10 and 1 day(s) before the certificate ends, so search the"
            " shared mailboxes as well;",
            "by asking who renewed it last year, or who set the MDM server up;",
            "if all that fails, from Apple's support, who can move the certificate to another account. That takes"
            " time: call today.",
        ),
        "then": "Have the account entered in the inventory as {account_variable} and the renewal run"
        " again. This page then shows every step.",
    },
    "steps": {
        "push_certificate": (
            'Open <a href="{url}">{url}</a> in Safari or Chrome and sign in as {account}. Have the phone'
            " at hand that receives the account's codes.",
            "You see a list headed <b>Certificates for Third-Party Servers</b>. If you see <b>Get Started</b> instead,"
            " this account owns no certificate: sign out, create nothing, and sign in with the right one.",
            "Find the row: its end is {date}, and its information button <b>i</b> shows the <b>UID</b>. Compare it to"
            " the last character with {identity}. If no row has this UID, stop: it is the wrong account.",
            "In this row press <b>Renew</b>.",
            "Press <b>Choose File</b> and take {request}. Under <b>Notes</b> enter {note} (the page takes"
            " only plain letters and digits).",
            "Press <b>Upload</b>.",
            "Press <b>Download</b>. The file's name begins with <code>MDM_</code> and ends in <code>.pem</code>.",
        ),
        "server_token": (
            'Open <a href="{url}">{url}</a> ({portal}) and sign in as {account}.',
            "Click your name at the bottom left, then <b>Preferences</b>.",
            "Choose the MDM server {identity}. Newer pages call it a device management service.",
            "Press <b>Edit</b>, upload the new public key, which is the file {request}, and press <b>Save</b>.",
            "Press <b>Download Server Token</b> and confirm. The file's name ends in <code>.p7m</code>.",
        ),
        "content_token": (
            'Open <a href="{url}">{url}</a> ({portal}) and sign in as {account}.',
            "Click your name at the bottom left, then <b>Preferences</b>.",
            "Choose <b>Payments and Billing</b>.",
            "Under <b>Content Tokens</b> find {identity} and press its <b>Download</b>. The file's name ends in"
            " <code>.vpptoken</code>.",
        ),
    },
    "unknown_identity": {
        "push_certificate": "the UID that the devices are enrolled with (ask your administrator before you go on)",
        "server_token": "that your iPads are assigned to (if there are several and you are not sure, ask first)",
        "content_token": "the location whose apps your MDM server hands out (if there are several, ask first)",
    },
    "unknown_date": "known to your administrator",
    "hand_in": {
        "inbox": "Put the downloaded file into the folder {inbox}, as it is. Its name does not matter; do not open or"
        " save it in another program.",
        "variable": "Open the downloaded file in a text editor, select everything, and paste it into the field"
        " {variable}. Change nothing in it.",
    },
    "trouble": {
        "push_certificate": (
            "The page does not take the file: see that you chose {request} itself, not a copy that went through mail"
            " or an editor. If it is the right one, tell your administrator what the page says.",
            "You pressed Create a Certificate: do not hand that file in. The iPads have noticed nothing. Go back to"
            " the list and press Renew in the row with the right UID.",
            "The downloaded file is gone: sign in again and press Download in the same row.",
        ),
        "server_token": (
            "You see no Preferences, or the MDM server is not among them: your account's role is not enough. Ask an"
            " administrator of {portal}.",
            "You downloaded before the new public key {request} was saved: that file cannot be opened. Upload the public key,"
            " then download once more.",
            "The downloaded file is gone: download again. Only the newest one counts.",
        ),
        "content_token": (
            "You see no Payments and Billing: your account's role is not enough. Ask an administrator of {portal}.",
            "The file opens as text when you click it: that is all right, it is text. Close it without saving.",
            "The downloaded file is gone: download again. Only the newest one counts.",
        ),
    },
    "safe": {
        "push_certificate": (
            "You can close every window and come back later: the order waits, and nothing is lost.",
            "Nothing has to be done on the iPads.",
            "A wrong file does no harm: each is checked before it is used, and this page then tells what was wrong.",
        ),
        "server_token": (
            "Until you press Download you can close every window and come back later: the order waits.",
            "Nothing has to be done on the iPads. Those that are set up already go on working.",
            "The new token ends early when the person who downloaded it changes the account's password or leaves, so"
            " take an account that stays.",
            "A wrong file does no harm: each is checked before it is used, and this page then tells what was wrong.",
        ),
        "content_token": (
            "Until you press Download you can close every window and come back later: the order waits.",
            "Nothing has to be done on the iPads. Installed apps stay.",
            "The new token ends early when the person who downloaded it changes the account's password, so take an"
            " account that stays.",
            "A wrong file does no harm: each is checked before it is used, and this page then tells what was wrong.",
        ),
    },
    "time": {
        "ahead": "Until {date} every iPad goes on working as today.",
        "over": "It ended on {date}. The iPads keep their apps and settings, but the MDM server's work waits for the"
        " renewal. Renew the very same one: that normally brings everything back without touching the iPads.",
    },
    "next": "You are done. The next run checks the file, hands it to the MDM server and makes sure that it took. It"
    " runs by itself if your administrator has scheduled it daily; at once it goes with: {command}",
    "kept": "Keep this page: it belongs to order {order}.",
}

_JA: Mapping[str, Any] = {
    "language": "日本語",
    "other_language": "English",
    "portal_business": "Apple Business Manager",
    "portal_school": "Apple School Manager",
    "left": {
        "many": "残り{days}日",
        "one": "残り1日",
        "hours": "残り24時間未満",
        "over": "期限切れ",
    },
    "headings": {
        "facts": "今回の内容",
        "refused": "ファイルの問題点",
        "steps": "手順",
        "trouble": "画面が説明と違うとき",
        "safe": "ご安心ください",
        "next": "このあとは",
    },
    "labels": {
        "tenant": "組織",
        "order": "注文番号",
        "account": "Apple Account",
        "push_certificate": "証明書の UID",
        "server_token": "ポータル上の MDM サーバ",
        "content_token": "トークンの場所(ロケーション)",
        "not_after": "有効期限",
        "request": "アップロードするファイル",
        "note": "Notes 欄に入れる文字",
        "inbox": "受け取ったファイルを置くフォルダ",
        "variable": "受け取ったファイルを貼り付ける欄",
    },
    "roles": {
        "server_token": "「管理者」または「デバイス登録マネージャ」の権限があるアカウント(できれば昨年と同じもの)",
        "content_token": "「管理者」または「コンテンツマネージャ」の権限があるアカウント(できれば昨年と同じもの)",
    },
    "refused_stays": "このファイルは使っていません。置いた場所にそのまま残っており、何も壊れていません。",
    "cure": "対処:",
    "title": {
        "push_certificate": "{tenant} プッシュ証明書の更新",
        "server_token": "{tenant} サーバトークンの更新",
        "content_token": "{tenant} コンテンツトークンの更新",
    },
    "why": {
        "push_certificate": "MDM サーバは、この証明書を使って iPad に呼びかけます。年に一度の更新が必要で、Apple の"
        "ページに人がサインインしないと進められません。所要時間は約10分です。",
        "server_token": "MDM サーバは、このトークンを使って学校の iPad を見分け、自動で設定します。年に一度、"
        "{portal} に"
        "人がサインインして受け取る必要があります。所要時間は約10分です。",
        "content_token": "MDM サーバは、このトークンを使って購入済みのアプリやブックを配ります。年に一度、{portal} に"
        "人がサインインして受け取る必要があります。所要時間は約5分です。",
    },
    "alarm": {
        "push_certificate": (
            "押すのは「Renew」です。「Create a Certificate」は絶対に押さないでください",
            "新しく作った証明書は UID が変わるため、どの iPad にも届かなくなり、"
            "1台ずつ手作業で登録し直すことになります。"
            "正しい UID の行が見つからないときは、そこで止めてください。見ただけなら何も変わっていません。",
        ),
        "server_token": (
            "ダウンロードから最後の手順までは、続けて行ってください",
            "新しいトークンをダウンロードすると、今のトークンは使えなくなるものとお考えください。"
            "設定済みの iPad に影響は"
            "ありませんが、新しい iPad の設定は、受け取ったファイルを提出するまで待つことになります。",
        ),
        "content_token": (
            "ダウンロードは一度だけ行い、すぐに提出してください",
            "新しくダウンロードすると、使用中のものを含めて前のトークンが無効になることがあります。"
            "提出するまでアプリの割り"
            "当てができない場合がありますが、インストール済みのアプリはそのまま残ります。",
        ),
    },
    "unknown": {
        "title": "まず Apple Account を確認してください",
        "intro": "この証明書は、作成したときの Apple Account でしか更新できません。"
        "どのアカウントかがまだ登録されていない"
        "ため、別のアカウントで試してしまわないよう、ここでは手順を表示していません。次の方法でお調べください。",
        "ways": (
            "昨年の記録を見る(前回の注文、引き継ぎ資料、パスワード管理ツールなど)。",
            "メールを探す。Apple は期限の30日前、10日前、1日前に、そのアカウント宛てに通知を送ります。共用のメール"
            "ボックスも検索してください。",
            "昨年更新した方や、MDM サーバを最初に設定した方に聞く。",
            "どうしても分からないときは、Apple のサポートに相談する。証明書を別のアカウントへ移してもらえますが、日数が"
            "かかりますので、今日のうちにご連絡ください。",
        ),
        "then": "分かりましたら、管理者に依頼してインベントリの {account_variable} に登録し、更新処理をもう"
        "一度実行してください。このページにすべての手順が表示されます。",
    },
    "steps": {
        "push_certificate": (
            'Safari または Chrome で <a href="{url}">{url}</a> を開き、{account} でサインインします。確認'
            "コードを受け取る電話を手元にご用意ください。",
            "<b>Certificates for Third-Party Servers</b> という一覧が表示されます。代わりに <b>Get Started</b> と表示"
            "された場合、そのアカウントには証明書がありません。何も作らずにサインアウトし、正しいアカウントでサインイン"
            "し直してください。",
            "更新する行を探します。期限は{date}です。<b>i</b>(情報)ボタンを押すと <b>UID</b> が表示されますので、最後の"
            "1文字まで {identity} と同じことを確かめてください。同じ UID の行がなければ、アカウントが違います。"
            "ここで止めてください。",
            "その行の <b>Renew</b> を押します。",
            "<b>ファイルを選択</b> を押して {request} を選びます。<b>Notes</b> 欄には {note} と入力します"
            "(半角の英字と数字だけが使えます)。",
            "<b>Upload</b> を押します。",
            "<b>Download</b> を押します。ファイル名は <code>MDM_</code> で始まり、<code>.pem</code> で終わります。",
        ),
        "server_token": (
            '<a href="{url}">{url}</a>({portal})を開き、{account}でサインインします。',
            "画面左下のご自分の名前(アカウント情報)を押し、<b>環境設定</b> を押します。",
            "MDM サーバの一覧から {identity} を選びます。"
            "新しい画面では「デバイス管理サービス」と表示されることがあります。",
            "<b>編集</b> を押し、新しい公開鍵としてファイル {request} をアップロードして、<b>保存</b> を押します。",
            "<b>MDM サーバトークンをダウンロード</b> を押し、確認画面でも同じボタンを押します。ファイル名は"
            " <code>.p7m</code> で終わります。",
        ),
        "content_token": (
            '<a href="{url}">{url}</a>({portal})を開き、{account}でサインインします。',
            "画面左下のご自分の名前(アカウント情報)を押し、<b>環境設定</b> を押します。",
            "<b>お支払いと請求</b> を押します。",
            "<b>コンテンツトークン</b> の中から {identity} を探し、その <b>ダウンロード</b> を押します。ファイル名は"
            " <code>.vpptoken</code> で終わります。",
        ),
    },
    "unknown_identity": {
        "push_certificate": "iPad が登録されている UID(進める前に管理者にご確認ください)",
        "server_token": "お使いの MDM サーバ(複数あって分からないときは、先に管理者にご確認ください)",
        "content_token": "お使いの MDM サーバがアプリを配っている場所(複数あるときは、先に管理者にご確認ください)",
    },
    "unknown_date": "管理者にご確認ください",
    "hand_in": {
        "inbox": "受け取ったファイルを、そのままフォルダ {inbox} に入れます。名前は何でもかまいません。ほかのアプリで"
        "開いたり、保存し直したりしないでください。",
        "variable": "受け取ったファイルをテキストエディタで開き、すべて選択してコピーし、入力欄 {variable} に"
        "貼り付けます。内容は変更しないでください。",
    },
    "trouble": {
        "push_certificate": (
            "ファイルを受け付けてもらえないとき:{request} そのものを選んだかお確かめください。メールやエディタを通した"
            "コピーは使えません。正しいファイルでも受け付けられない場合は、画面の表示を管理者にお知らせください。",
            "Create a Certificate を押してしまったとき:そのファイルは提出しないでください。"
            "iPad にはまだ影響がありません。"
            "一覧に戻り、正しい UID の行で Renew を押してください。",
            "受け取ったファイルをなくしたとき:もう一度サインインし、同じ行の Download を押してください。",
        ),
        "server_token": (
            "環境設定が出ない、または一覧に MDM サーバがないとき:アカウントの権限が足りません。"
            "{portal} の管理者にご相談"
            "ください。",
            "公開鍵 {request} を保存する前にダウンロードしてしまったとき:そのファイルは開けません。公開鍵をアップロードしてから、"
            "もう一度ダウンロードしてください。",
            "受け取ったファイルをなくしたとき:もう一度ダウンロードしてください。最も新しいものだけが有効です。",
        ),
        "content_token": (
            "お支払いと請求が出ないとき:アカウントの権限が足りません。{portal} の管理者にご相談ください。",
            "ファイルを押すと文字が表示されるとき:問題ありません。保存せずに閉じてください。",
            "受け取ったファイルをなくしたとき:もう一度ダウンロードしてください。最も新しいものだけが有効です。",
        ),
    },
    "safe": {
        "push_certificate": (
            "途中で画面をすべて閉じても、あとから続けられます。失われるものはありません。",
            "iPad 側での操作は必要ありません。",
            "間違ったファイルを入れても害はありません。使う前に必ず検査し、問題があればこのページでお知らせします。",
        ),
        "server_token": (
            "ダウンロードを押すまでは、途中で画面をすべて閉じても、あとから続けられます。",
            "iPad 側での操作は必要ありません。設定済みの iPad はそのまま使えます。",
            "新しいトークンは、ダウンロードした方がパスワードを変えたり、異動されたりすると、期限前に使えなくなります。"
            "長く使うアカウントで行ってください。",
            "間違ったファイルを入れても害はありません。使う前に必ず検査し、問題があればこのページでお知らせします。",
        ),
        "content_token": (
            "ダウンロードを押すまでは、途中で画面をすべて閉じても、あとから続けられます。",
            "iPad 側での操作は必要ありません。インストール済みのアプリは残ります。",
            "新しいトークンは、ダウンロードした方がパスワードを変えると、期限前に使えなくなります。長く使うアカウントで"
            "行ってください。",
            "間違ったファイルを入れても害はありません。使う前に必ず検査し、問題があればこのページでお知らせします。",
        ),
    },
    "time": {
        "ahead": "{date}までは、どの iPad も今までどおり使えます。",
        "over": "{date}に期限が切れました。iPad のアプリや設定は残っていますが、MDM サーバからの操作は更新するまで待た"
        "されます。必ず同じものを更新してください。通常は、iPad に触れることなく元どおりになります。",
    },
    "next": "これで作業は終わりです。次回の実行時にファイルを検査し、MDM サーバに登録して、"
    "反映されたことまで確認します。"
    "毎日の自動実行が設定されていれば、お待ちいただくだけです。すぐに進めるには、管理者が次を実行します:"
    " {command}",
    "kept": "このページは注文 {order} の記録です。保管しておいてください。",
}

WORDING: Mapping[str, Mapping[str, Any]] = {"en": _EN, "ja": _JA}
