# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every verdict's code with its sentences. docs/verdicts.md and docs/verdicts.ja.md are generated from here.

{right_file} is the file that belongs in the box where the wrong one was put; other names in braces are facts.
"""

from __future__ import annotations

from dataclasses import dataclass

from .verdicts import Text

__all__ = ["REASONS", "RIGHT_FILES", "WARNINGS", "Reason"]

P, S, C, R = "push_certificate", "server_token", "content_token", "push_request"


@dataclass(frozen=True)
class Reason:
    """credentials: the boxes in which the code occurs; push_request is the request for Apple, before the portal."""

    credentials: tuple[str, ...]
    reason: Text
    cure: Text


RIGHT_FILES: dict[str, Text] = {
    P: Text(
        "the certificate saved with Download in the Apple Push Certificates Portal after Renew (MDM_…_Certificate.pem)",
        "Apple Push Certificates Portal で「Renew」の後に「Download」で保存した証明書（MDM_…_Certificate.pem）",
    ),
    S: Text(
        "the server token downloaded for this MDM server in Apple School "
        "Manager or Apple Business Manager (…_smime.p7m)",
        "Apple School Manager または Apple Business Manager で、このMDMサーバの"
        "「MDMサーバトークンをダウンロード」から保存したファイル（…_smime.p7m）",
    ),
    C: Text(
        "the content token downloaded for this location in Apple School Manager or Apple Business Manager (….vpptoken)",
        "Apple School Manager または Apple Business Manager の「お支払いと請求」にある"
        "コンテンツトークンからダウンロードしたファイル（….vpptoken）",
    ),
    R: Text(
        "the request file exactly as the vendor signed it", "ベンダーが署名した申請ファイル（内容を変更していないもの）"
    ),
    "": Text("the file that was downloaded from Apple", "Apple からダウンロードしたファイル"),
}

_INSTEAD = Text("Put in {right_file}.", "{right_file}を入れてください。")
_AGAIN = Text(
    "Download it once more and put it in without opening it: {right_file}.",
    "もう一度ダウンロードし、開かずにそのまま入れてください。必要なのは、{right_file}です。",
)
_UNPACK = Text(
    "Open the archive and put in only the file inside: {right_file}.",
    "圧縮ファイルを展開し、中のファイルだけを入れてください。必要なのは、{right_file}です。",
)
_NOT_SAVED_BY_HAND = Text(
    "Do not copy or re-save it in another application: put in {right_file}.",
    "ほかのアプリでコピーや保存をせずに、{right_file}を入れてください。",
)
_RENEW_RIGHT_ROW = Text(
    "Do not upload it to the MDM server: in the portal find the row whose "
    "UID is {expected_topic}, press Renew there and "
    "give it the same request file again; if that row is missing, sign in with the Apple Account used last year.",
    "この証明書はMDMサーバに登録しないでください。ポータルで UID が "
    "{expected_topic} の行を探し、その行の「Renew」から"
    "同じ申請ファイルをアップロードしてください。その行がない場合は、"
    "昨年使用した Apple Account でサインインし直してください。",
)
_SECRET_INSTEAD = Text(
    "Keep that file private and delete copies that are not needed; put in {right_file}.",
    "そのファイルは人に渡さず、不要なコピーは削除してください。ここには、{right_file}を入れてください。",
)
_SIGN_AGAIN = Text(
    "Get the request signed once more and take the vendor's file as it comes, without opening or re-saving it.",
    "ベンダーの署名をもう一度受け、届いたファイルを開いたり保存し直したりせずに、そのまま使用してください。",
)
_ASK_VENDOR = Text(
    "Ask the MDM vendor for a valid signing certificate with its whole chain; nothing has been sent to Apple yet.",
    "MDMベンダーに、有効な署名用証明書と証明書チェーン一式を依頼してください。Apple にはまだ何も送信していません。",
)

REASONS: dict[str, Reason] = {
    "accepted": Reason(
        (P, S, C, R),
        Text("The file fits.", "正しいファイルです。"),
        Text("There is nothing to do.", "対応は必要ありません。"),
    ),
    # what any box can be given
    "empty": Reason(
        (P, S, C, R),
        Text(
            "The file is empty, so the download did not arrive.", "ファイルが空です。ダウンロードが完了していません。"
        ),
        _AGAIN,
    ),
    "blank": Reason(
        (P, S, C, R),
        Text("The file holds nothing but blanks.", "ファイルの中身が空白だけです。"),
        _AGAIN,
    ),
    "too_long": Reason(
        (P, S, C, R),
        Text(
            "The file is larger than 1 MiB; Apple's files are a few kilobytes.",
            "ファイルが 1 MiB を超えています。Apple のファイルは数キロバイトです。",
        ),
        _INSTEAD,
    ),
    "unknown_file": Reason(
        (P, S),
        Text(
            "Nothing that is known here looks like this file; the download may have been broken off.",
            "判別できないファイルです。ダウンロードが途中で中断された可能性があります。",
        ),
        _AGAIN,
    ),
    "utf16": Reason(
        (P, S, C, R),
        Text(
            "The file was saved as Unicode (UTF-16) text, probably by an editor.",
            "ファイルが UTF-16（Unicode）のテキストとして保存されています。エディタで保存し直されたようです。",
        ),
        _NOT_SAVED_BY_HAND,
    ),
    "html_page": Reason(
        (P, S, C, R),
        Text("This is a web page, saved in place of the file.", "ファイルではなく、Webページが保存されています。"),
        Text(
            "Open the page in the browser and use its download button, not Save Page As: {right_file} is needed.",
            "ブラウザの「ページを保存」ではなく、"
            "画面のダウンロードボタンを使用してください。必要なのは、{right_file}です。",
        ),
    ),
    "apple_sign_in_page": Reason(
        (P, S, C, R),
        Text(
            "This is Apple's sign-in page: the session had ended before the download.",
            "Apple のサインイン画面が保存されています。ダウンロードの前にサインインの有効時間が切れたようです。",
        ),
        Text(
            "Sign in to Apple again and download it once more: {right_file} is needed.",
            "Apple にサインインし直して、もう一度ダウンロードしてください。必要なのは、{right_file}です。",
        ),
    ),
    "json_error": Reason(
        (P, S, C, R),
        Text(
            "This is an error message of a web service (JSON), saved in place of the file.",
            "ファイルではなく、Webサービスのエラーメッセージ（JSON）が保存されています。",
        ),
        Text(
            "Wait a few minutes and download it once more: {right_file} is needed.",
            "数分待ってから、もう一度ダウンロードしてください。必要なのは、{right_file}です。",
        ),
    ),
    "other_json": Reason(
        (P, S, C, R),
        Text("This is a JSON file of some other kind.", "別の種類の JSON ファイルです。"),
        _INSTEAD,
    ),
    "zip_archive": Reason((P, S, C, R), Text("This is a ZIP archive.", "ZIP 形式の圧縮ファイルです。"), _UNPACK),
    "gzip_archive": Reason(
        (P, S, C, R), Text("This is a file packed with gzip.", "gzip 形式の圧縮ファイルです。"), _UNPACK
    ),
    "other_archive": Reason(
        (P, S, C, R),
        Text("This is an archive (7z, RAR, tar or the like).", "圧縮ファイル（7z、RAR、tar など）です。"),
        _UNPACK,
    ),
    "pdf": Reason((P, S, C, R), Text("This is a PDF document.", "PDF ファイルです。"), _INSTEAD),
    "image": Reason(
        (P, S, C, R), Text("This is a picture or a screenshot.", "画像またはスクリーンショットです。"), _INSTEAD
    ),
    "rtf": Reason(
        (P, S, C, R),
        Text(
            "This is an RTF document, as TextEdit or WordPad saves it.",
            "RTF 形式の文書です（テキストエディットやワードパッドの保存形式）。",
        ),
        _NOT_SAVED_BY_HAND,
    ),
    "office_document": Reason(
        (P, S, C, R),
        Text(
            "This is a document of a word processor or spreadsheet (Word, Excel, Pages or the like).",
            "Word、Excel、Pages などの文書ファイルです。",
        ),
        _NOT_SAVED_BY_HAND,
    ),
    "email_message": Reason(
        (P, S, C, R),
        Text(
            "This is a whole e-mail message, not the file attached to it.",
            "添付ファイルではなく、メール全体が保存されています。",
        ),
        Text(
            "Open the message and save its attachment: {right_file} is needed.",
            "メールを開いて、添付ファイルを保存してください。必要なのは、{right_file}です。",
        ),
    ),
    "shortcut": Reason(
        (P, S, C, R),
        Text(
            "This is a shortcut that points to a page or file, not the file itself.",
            "ファイルそのものではなく、ショートカット（.url、.webloc、.lnk など）です。",
        ),
        Text(
            "Follow the shortcut and download the file itself: {right_file} is needed.",
            "リンク先を開いて、ファイルそのものをダウンロードしてください。必要なのは、{right_file}です。",
        ),
    ),
    "mac_shadow_file": Reason(
        (P, S, C, R),
        Text(
            "This is a hidden companion file of macOS (its name begins with ._ or is .DS_Store), not the file itself.",
            "ファイル本体ではなく、macOS が作成する隠しファイル（._ で始まるファイルまたは .DS_Store）です。",
        ),
        Text(
            "Put in the file of the same name without the dot: {right_file}.",
            "先頭に「._」が付かない同じ名前のファイルを入れてください。必要なのは、{right_file}です。",
        ),
    ),
    "mobileconfig": Reason(
        (P, S, C, R),
        Text(
            "This is a configuration or enrolment profile (.mobileconfig).", "構成プロファイル（.mobileconfig）です。"
        ),
        _INSTEAD,
    ),
    "property_list": Reason(
        (P, S, C, R),
        Text("This is a property list (.plist) of some other kind.", "別の種類のプロパティリスト（.plist）です。"),
        _INSTEAD,
    ),
    "pkcs12": Reason(
        (P, S, C, R),
        Text(
            "This is a PKCS#12 file (.p12 or .pfx), which holds a private key.",
            "秘密鍵を含む PKCS#12 ファイル（.p12 または .pfx）です。",
        ),
        _SECRET_INSTEAD,
    ),
    "is_private_key": Reason((P, S, C, R), Text("This is a private key.", "これは秘密鍵です。"), _SECRET_INSTEAD),
    "is_public_key": Reason(
        (P, S, C, R),
        Text("This is a public key without a certificate.", "証明書ではなく、公開鍵だけのファイルです。"),
        _INSTEAD,
    ),
    "is_csr": Reason(
        (P, S, C, R),
        Text(
            "This is the certificate signing request (CSR), which goes to Apple; the answer to it is needed here.",
            "これは Apple に提出する証明書署名要求（CSR）です。ここには、Apple から発行されたファイルが必要です。",
        ),
        _INSTEAD,
    ),
    "is_upload_file": Reason(
        (P, S, C),
        Text(
            "This is the request file that is to be uploaded in the Apple Push Certificates Portal.",
            "これは Apple Push Certificates Portal にアップロードする申請ファイルです。",
        ),
        Text(
            "Upload this file in the portal with Renew if that is still to be done, then put in {right_file}.",
            "まだの場合は、ポータルの「Renew」"
            "でこのファイルをアップロードしてください。その後、{right_file}を入れてください。",
        ),
    ),
    "is_encrypted_request": Reason(
        (P, S, C, R),
        Text(
            "This is the encrypted answer of mdmcert.download, not yet a request file.",
            "これは mdmcert.download から届いた、暗号化されたままの申請ファイルです。",
        ),
        Text(
            "Hand it to the step that signs the request, and here put in {right_file}.",
            "このファイルは申請ファイルの署名の手順で使用し、ここには、{right_file}を入れてください。",
        ),
    ),
    "is_signed_message": Reason(
        (P, S, C, R),
        Text(
            "This is a signed PKCS#7 file or a bundle of certificates (.p7b, .p7s), not what Apple gives here.",
            "署名付きの PKCS#7 ファイル、または証明書の束（.p7b、.p7s）です。",
        ),
        _INSTEAD,
    ),
    "is_server_token": Reason(
        (P, C, R),
        Text(
            "This is an encrypted message such as an ADE server token (.p7m).",
            "これは ADE のサーバトークン（.p7m）などの暗号化ファイルです。",
        ),
        Text(
            "If it is the server token, put it in the inbox of the server token's order; here put in {right_file}.",
            "サーバトークンの場合は、"
            "サーバトークン更新用の受け取りフォルダに入れてください。ここには、{right_file}を入れてください。",
        ),
    ),
    "is_decrypted_server_token": Reason(
        (P, S, C, R),
        Text(
            "This is a server token already decrypted; it holds secrets in clear text.",
            "これは復号済みのサーバトークンです。機密情報がそのまま読める状態になっています。",
        ),
        Text(
            "Delete this copy and put in the file as it comes from Apple: {right_file}.",
            "このコピーは削除し、Apple "
            "からダウンロードしたままのファイルを入れてください。必要なのは、{right_file}です。",
        ),
    ),
    "is_content_token": Reason(
        (P, S, R),
        Text(
            "This is a content token of Apps and Books (.vpptoken).",
            "これは「アプリとブック」のコンテンツトークン（.vpptoken）です。",
        ),
        Text(
            "Put it in the inbox of the content token's order; here put in {right_file}.",
            "コンテンツトークン更新用の受け取りフォルダに入れてください。ここには、{right_file}を入れてください。",
        ),
    ),
    "is_decoded_content_token": Reason(
        (P, S, C, R),
        Text(
            "This is a content token whose base64 text has been decoded; Apple takes only the text as downloaded.",
            "これはデコード済みのコンテンツトークンです。Apple が受け付けるのは、ダウンロードしたままの内容だけです。",
        ),
        Text(
            "Delete this copy and put in the file as it comes from Apple: {right_file}.",
            "このコピーは削除し、Apple "
            "からダウンロードしたままのファイルを入れてください。必要なのは、{right_file}です。",
        ),
    ),
    "is_push_certificate": Reason(
        (S, C, R),
        Text("This is an MDM push certificate.", "これは MDM のプッシュ通知証明書です。"),
        Text(
            "Put it in the inbox of the push certificate's order; here put in {right_file}.",
            "プッシュ証明書更新用の受け取りフォルダに入れてください。ここには、{right_file}を入れてください。",
        ),
    ),
    "is_certificate": Reason((S, C, R), Text("This is a certificate.", "これは証明書です。"), _INSTEAD),
    "is_ade_public_key": Reason(
        (P, S),
        Text(
            "This is a self-signed certificate, like the public key that is uploaded to Apple to get a server token.",
            "これは自己署名証明書です。サーバトークンの取得のために Apple にアップロードする公開鍵と思われます。",
        ),
        Text(
            "Upload it in Apple School Manager or Apple Business Manager if that is "
            "still to be done; here put in {right_file}.",
            "公開鍵の場合は、Apple School Manager または Apple Business Manager にアップロードしてください。"
            "ここには、{right_file}を入れてください。",
        ),
    ),
    "several_certificates": Reason(
        (P, S, C, R),
        Text(
            "The file holds several certificates; Apple gives one alone.",
            "証明書が複数含まれています。Apple から届く証明書は1つだけです。",
        ),
        _AGAIN,
    ),
    "certificate_and_key": Reason(
        (P, S, C, R),
        Text(
            "The file holds a certificate together with a private key.", "証明書と秘密鍵が1つのファイルに入っています。"
        ),
        _SECRET_INSTEAD,
    ),
    "truncated_certificate": Reason(
        (P, S, C, R),
        Text("The file breaks off before its end.", "ファイルが途中で切れています。"),
        _AGAIN,
    ),
    "damaged_certificate": Reason(
        (P, S, C, R),
        Text(
            "The file looks like a certificate, but its contents are damaged.",
            "証明書のようですが、内容が壊れています。",
        ),
        _AGAIN,
    ),
    # a token or certificate of the right kind that is still the wrong one
    "same_as_in_use": Reason(
        (P, S, C),
        Text(
            "This is the one already in use (valid until {date}), not a new one.",
            "現在使用中のもの（有効期限 {date}）と同じです。新しいものではありません。",
        ),
        Text(
            "Put in the file downloaded today: {right_file}.",
            "今回ダウンロードしたファイルを入れてください。必要なのは、{right_file}です。",
        ),
    ),
    "older_than_in_use": Reason(
        (P, S, C),
        Text(
            "It ends on {date}, no later than the one in use, so it is an older file.",
            "有効期限が {date} で、使用中のものより後になりません。以前のファイルのようです。",
        ),
        Text(
            "Sort the download folder by date and take the newest: {right_file}.",
            "ダウンロードフォルダを日付順に並べて、最新のファイルを入れてください。必要なのは、{right_file}です。",
        ),
    ),
    "expired": Reason(
        (P, S, C),
        Text("It expired on {date}.", "有効期限（{date}）が切れています。"),
        Text(
            "Download a new one, and check this computer's date: {right_file} is needed.",
            "新しくダウンロードし、このコンピュータの日付も確認してください。必要なのは、{right_file}です。",
        ),
    ),
    "not_yet_valid": Reason(
        (P,),
        Text(
            "By the clock of this computer it becomes valid only on {date}.",
            "このコンピュータの時計では、{date} まで有効になりません。",
        ),
        Text(
            "Set the clock of the computer that runs Ansible right and run again; the file itself may be sound.",
            "Ansible を実行しているコンピュータの時計を合わせて、"
            "もう一度実行してください。ファイル自体は正しい可能性があります。",
        ),
    ),
    "expiry_missing": Reason(
        (S, C), Text("The token does not say when it expires.", "トークンに有効期限が含まれていません。"), _AGAIN
    ),
    "expiry_unreadable": Reason(
        (S, C),
        Text("The token's expiry is not a date that can be read.", "トークンの有効期限を日付として読み取れません。"),
        _AGAIN,
    ),
    # push certificate
    "created_not_renewed": Reason(
        (P,),
        Text(
            "It was just made under another topic, {topic}: Create a "
            "Certificate was pressed, or Renew on another row; "
            "with it no enrolled device could be reached.",
            "別の UID（{topic}）で発行されたばかりの証明書です。「Create a "
            "Certificate」を押したか、別の行の「Renew」を押したと"
            "思われます。このまま使用すると、登録済みのデバイスと通信できなくなります。",
        ),
        _RENEW_RIGHT_ROW,
    ),
    "other_topic": Reason(
        (P,),
        Text(
            "It belongs to another row of the portal: its topic is {topic}, made on "
            "{made}, and no enrolled device listens to it.",
            "ポータルの別の行の証明書です（UID は {topic}、発行日は {made}）。登録済みのデバイスでは使用できません。",
        ),
        _RENEW_RIGHT_ROW,
    ),
    "key_of_other_order": Reason(
        (P,),
        Text(
            "It was made from the request of another order, {other_order}.",
            "別の更新作業（{other_order}）の申請ファイルから発行された証明書です。",
        ),
        Text(
            "Press Renew once more on the same row with this order's request file, and put in what Apple gives then.",
            "同じ行の「Renew」から、"
            "今回の更新作業の申請ファイルをアップロードし直し、発行された証明書を入れてください。",
        ),
    ),
    "key_mismatch": Reason(
        (P,),
        Text(
            "It does not belong to this order's private key: another request was uploaded in the portal.",
            "今回の秘密鍵に対応しない証明書です。ポータルに別の申請ファイルがアップロードされています。",
        ),
        Text(
            "Press Renew once more on the same row with this order's request file, and put in what Apple gives then.",
            "同じ行の「Renew」から、"
            "今回の更新作業の申請ファイルをアップロードし直し、発行された証明書を入れてください。",
        ),
    ),
    "app_push_certificate": Reason(
        (P,),
        Text("This is a push certificate of an app, not of MDM.", "MDM 用ではなく、アプリ用のプッシュ通知証明書です。"),
        _INSTEAD,
    ),
    "ca_certificate": Reason(
        (P,),
        Text(
            "This is the certificate of an authority (such as Apple's WWDR or root): {name}.",
            "認証局の証明書（Apple の WWDR やルート証明書など）です: {name}",
        ),
        _INSTEAD,
    ),
    "vendor_certificate": Reason(
        (P,),
        Text("This is the MDM vendor's signing certificate: {name}.", "MDMベンダーの署名用証明書です: {name}"),
        _INSTEAD,
    ),
    "not_push_certificate": Reason(
        (P,),
        Text(
            "This is a certificate for something else, not for MDM push: {name}.",
            "MDM プッシュ通知用ではない、別の用途の証明書です: {name}",
        ),
        _INSTEAD,
    ),
    "name_mismatch": Reason(
        (P,),
        Text(
            "The two names in the certificate contradict each other: topic {topic}, common name {name}.",
            "証明書内の2つの名前が一致していません（UID は {topic}、CN は {name}）。",
        ),
        _AGAIN,
    ),
    "no_client_auth": Reason(
        (P,),
        Text(
            "The certificate is not permitted to sign in to Apple's push service (client authentication is missing).",
            "Apple のプッシュサービスへの接続（クライアント認証）が許可されていない証明書です。",
        ),
        _INSTEAD,
    ),
    "no_digital_signature": Reason(
        (P,),
        Text(
            "The certificate's key is not permitted to sign, so Apple's push service would refuse it.",
            "鍵用途にデジタル署名が含まれていないため、Apple のプッシュサービスで使用できません。",
        ),
        _INSTEAD,
    ),
    "no_apns_marker": Reason(
        (P,),
        Text(
            "The certificate lacks Apple's mark for the production push service.",
            "Apple の本番用プッシュサービスを示す情報がない証明書です。",
        ),
        _INSTEAD,
    ),
    # server token
    "other_recipient": Reason(
        (S,),
        Text(
            "It is locked for another public key: the token of another MDM server or of an earlier order.",
            "別の公開鍵で暗号化されています。別のMDMサーバ、または以前の更新作業のサーバトークンです。",
        ),
        Text(
            "In Apple School Manager or Apple Business Manager upload this order's "
            "public key to the entry of this MDM server, "
            "save, and download the token from that entry.",
            "Apple School Manager または Apple Business Manager で、"
            "このMDMサーバの設定に今回の公開鍵をアップロードして保存し、"
            "その画面からサーバトークンをダウンロードしてください。",
        ),
    ),
    "other_consumer_key": Reason(
        (S,),
        Text(
            "It comes from another MDM server entry at Apple than the token in use, or was fetched by another person.",
            "使用中のものとは別のMDMサーバのサーバトークンか、別の担当者が取得したサーバトークンです。",
        ),
        Text(
            "Download the token from the entry that the devices are assigned to, with the same account as last year.",
            "デバイスが割り当てられているMDMサーバの画面から、昨年と同じアカウントでダウンロードしてください。",
        ),
    ),
    "truncated_server_token": Reason(
        (P, S, C, R),
        Text("The server token breaks off before its end.", "サーバトークンが途中で切れています。"),
        _AGAIN,
    ),
    "damaged_server_token": Reason(
        (S,),
        Text(
            "The file looks like a server token, but its contents are damaged.",
            "サーバトークンのようですが、内容が壊れています。",
        ),
        _AGAIN,
    ),
    "cannot_decrypt": Reason(
        (S,),
        Text(
            "It cannot be decrypted with this order's private key, so it was made for another key or is damaged.",
            "今回の秘密鍵で復号できません。別の鍵で作成されたか、ファイルが壊れています。",
        ),
        Text(
            "Upload this order's public key to the MDM server's entry at Apple "
            "once more, save, and download the token again.",
            "Apple の画面で、"
            "このMDMサーバに今回の公開鍵をもう一度アップロードして保存し、"
            "サーバトークンをダウンロードし直してください。",
        ),
    ),
    "unsupported_encryption": Reason(
        (S,),
        Text(
            "It is encrypted in a way that Apple's server tokens are not: {method}.",
            "Apple のサーバトークンでは使用されない方式で暗号化されています: {method}",
        ),
        _AGAIN,
    ),
    "unexpected_content": Reason(
        (S,),
        Text(
            "It was decrypted, but what is inside is no server token.",
            "復号できましたが、中身がサーバトークンではありません。",
        ),
        _AGAIN,
    ),
    "incomplete_server_token": Reason(
        (S,),
        Text("The server token lacks a part: {missing}.", "サーバトークンに不足している項目があります: {missing}"),
        _AGAIN,
    ),
    "own_key_mismatch": Reason(
        (S,),
        Text(
            "Our own public key and private key are not a pair, so no token can be opened; the file was not judged.",
            "こちらで保管している公開鍵と秘密鍵が対応していないため、ファイルを確認できません。",
        ),
        Text(
            "Leave the file where it is and give the key pair of one order, public and private key together.",
            "ファイルはそのままにして、同じ更新作業の公開鍵と秘密鍵を指定してください。",
        ),
    ),
    "private_key_unreadable": Reason(
        (S, R),
        Text(
            "Our own private key cannot be read: its passphrase is wrong or missing, or the key is damaged.",
            "こちらで保管している秘密鍵を読み取れません。パスフレーズの誤りか未指定、または鍵の破損が考えられます。",
        ),
        Text(
            "Leave the file where it is, set the right passphrase and run again.",
            "ファイルはそのままにして、正しいパスフレーズを設定し、もう一度実行してください。",
        ),
    ),
    "own_certificate_unreadable": Reason(
        (S, R),
        Text(
            "Our own certificate cannot be read, so no file can be judged by it.",
            "こちらで保管している証明書を読み取れないため、ファイルを確認できません。",
        ),
        Text(
            "Leave the file where it is and restore the certificate of this order.",
            "ファイルはそのままにして、今回の更新作業の証明書を元に戻してください。",
        ),
    ),
    # content token
    "not_base64": Reason(
        (C,),
        Text(
            "This is not a content token: it has characters that such a file never holds.",
            "コンテンツトークンに含まれない文字があります。コンテンツトークンではありません。",
        ),
        _AGAIN,
    ),
    "base64_not_json": Reason(
        (C,),
        Text(
            "This is encoded text, but no content token is inside.",
            "文字列は変換できましたが、中身がコンテンツトークンではありません。",
        ),
        _AGAIN,
    ),
    "inner_token_only": Reason(
        (C,),
        Text(
            "This looks like only the inner part of a content token; Apple refuses that without the rest.",
            "コンテンツトークンの内側の一部だけのようです。全体がそろっていないと Apple に拒否されます。",
        ),
        _AGAIN,
    ),
    "truncated_content_token": Reason(
        (P, S, C, R),
        Text("The content token breaks off before its end.", "コンテンツトークンが途中で切れています。"),
        _AGAIN,
    ),
    "damaged_content_token": Reason(
        (C,),
        Text(
            "The file looks like a content token, but its contents are damaged or encoded twice.",
            "コンテンツトークンのようですが、内容が壊れているか、二重に変換されています。",
        ),
        _AGAIN,
    ),
    "incomplete_content_token": Reason(
        (C,), Text("The content token lacks its inner token.", "コンテンツトークンに必要な項目がありません。"), _AGAIN
    ),
    "other_organization": Reason(
        (C,),
        Text(
            "It belongs to another organisation: {organization}, not {expected_organization}.",
            "別の組織（{organization}）のコンテンツトークンです。必要なのは {expected_organization} のものです。",
        ),
        Text(
            "Sign in with an account of {expected_organization} and download the content token there.",
            "{expected_organization} のアカウントでサインインし、コンテンツトークンをダウンロードしてください。",
        ),
    ),
    # the request for Apple
    "request_damaged": Reason(
        (R,),
        Text(
            "This is not a request file: base64 text of a property list is expected.",
            "申請ファイルの形式（base64 で書かれたプロパティリスト）ではありません。",
        ),
        _SIGN_AGAIN,
    ),
    "request_incomplete": Reason(
        (R,),
        Text("The request file lacks a part: {missing}.", "申請ファイルに不足している項目があります: {missing}"),
        _SIGN_AGAIN,
    ),
    "request_of_other_key": Reason(
        (R,),
        Text(
            "The request file holds another CSR than this order's.",
            "申請ファイルの CSR が、今回の更新作業のものではありません。",
        ),
        Text(
            "Have this order's CSR signed, and take the file that comes back for it.",
            "今回の更新作業の CSR に署名を受け、届いたファイルを使用してください。",
        ),
    ),
    "request_weak_key": Reason(
        (R,),
        Text(
            "The CSR's key is not RSA with 2048 bits, the only kind that Apple is known to take.",
            "CSR の鍵が RSA 2048 ビットではありません。Apple "
            "で受け付けられることが確認されているのは、この方式だけです。",
        ),
        Text("Make the request anew with an RSA key of 2048 bits.", "RSA 2048 ビットの鍵で申請を作り直してください。"),
    ),
    "request_csr_damaged": Reason(
        (R,),
        Text("The CSR is damaged or its signature is wrong.", "CSR が壊れているか、署名が正しくありません。"),
        Text(
            "Make the request anew; nothing has been sent to Apple yet.",
            "申請を作り直してください。Apple にはまだ何も送信していません。",
        ),
    ),
    "request_signature_wrong": Reason(
        (R,),
        Text(
            "The vendor's signature does not fit the CSR, so Apple would refuse the request.",
            "ベンダーの署名が CSR と一致しないため、Apple に拒否されます。",
        ),
        _SIGN_AGAIN,
    ),
    "request_long_lines": Reason(
        (R,),
        Text(
            "The certificates in the request are not in lines of 64 characters, so Apple would refuse it.",
            "申請ファイル内の証明書が64文字ごとに改行されていないため、Apple に拒否されます。",
        ),
        _SIGN_AGAIN,
    ),
    "delivery_unreadable": Reason(
        (R,),
        Text(
            "The file of mdmcert.download cannot be opened with the key made for it.",
            "mdmcert.download から届いたファイルを、専用の鍵で開けません。",
        ),
        Text(
            "Take the file mailed for the newest request of this order, or ask mdmcert.download for a new one.",
            "今回の最新の申請に対して届いたファイルを使用するか、mdmcert.download に申請し直してください。",
        ),
    ),
    "vendor_expired": Reason(
        (R,),
        Text(
            "The vendor's signing certificate expired on {date}.",
            "ベンダーの署名用証明書の有効期限（{date}）が切れています。",
        ),
        _ASK_VENDOR,
    ),
    "vendor_not_yet_valid": Reason(
        (R,),
        Text(
            "By the clock of this computer the vendor's signing certificate becomes valid only on {date}.",
            "このコンピュータの時計では、ベンダーの署名用証明書は {date} まで有効になりません。",
        ),
        Text(
            "Set the clock of the computer that runs Ansible right, and run again.",
            "Ansible を実行しているコンピュータの時計を合わせて、もう一度実行してください。",
        ),
    ),
    "vendor_key_mismatch": Reason(
        (R,),
        Text(
            "The vendor's private key does not belong to the vendor's certificate.",
            "ベンダーの秘密鍵と証明書が対応していません。",
        ),
        Text(
            "Give the vendor's certificate and private key that were made together.",
            "対になっているベンダーの証明書と秘密鍵を指定してください。",
        ),
    ),
    "vendor_unreadable": Reason(
        (R,),
        Text(
            "The vendor's certificate or its chain cannot be read.",
            "ベンダーの証明書、または証明書チェーンを読み取れません。",
        ),
        _ASK_VENDOR,
    ),
    "chain_incomplete": Reason(
        (R,),
        Text(
            "The chain of the vendor's certificate does not reach Apple's root: the issuer of {name} is missing.",
            "ベンダーの証明書チェーンが Apple のルート証明書まで届いていません。{name} の発行者の証明書がありません。",
        ),
        Text(
            "Add Apple's WWDR intermediate certificate that issued it and Apple's root certificate to the chain.",
            "発行元の Apple WWDR 中間証明書と Apple のルート証明書をチェーンに追加してください。",
        ),
    ),
    # what the far sides say of a file that looked right
    "refused_by_apple": Reason(
        (P, S, C),
        Text(
            "The file looks right, but Apple does not accept it: {answer}",
            "ファイルの形式は正しいものの、Apple に受け付けられませんでした: {answer}",
        ),
        Text(
            "Download a new one and put it in without delay: {right_file}; an older "
            "one stops working as soon as a newer one is made.",
            "新しくダウンロードし直して、すぐに入れてください。"
            "新しいものを作成すると、以前のものは使用できなくなります。"
            "必要なのは、{right_file}です。",
        ),
    ),
    "refused_by_server": Reason(
        (P, S, C),
        Text(
            "The file looks right, but the MDM server does not accept it: {answer}",
            "ファイルの形式は正しいものの、MDMサーバに受け付けられませんでした: {answer}",
        ),
        Text(
            "Compare the server's answer with the file, and put in {right_file}.",
            "MDMサーバの応答を確認し、{right_file}を入れてください。",
        ),
    ),
    "not_newer": Reason(
        (P, S, C),
        Text(
            "Apple says that it ends on {not_after}, no later than the one in use.",
            "Apple によると有効期限は {not_after} で、使用中のものより後になりません。",
        ),
        Text("Download a new one: {right_file}.", "新しくダウンロードしてください。必要なのは、{right_file}です。"),
    ),
}

WARNINGS: dict[str, Text] = {
    "issuer_differs": Text(
        "Its issuer is {issuer}, that of the one in use is {issuer_in_use}: Apple may have changed it.",
        "発行者が使用中のものと異なります（今回は {issuer}、使用中は "
        "{issuer_in_use}）。Apple 側で変更された可能性があります。",
    ),
    "odd_lifetime": Text(
        "It is valid for {days} days, while Apple's push certificates have 365.",
        "有効期間が {days}日です。Apple のプッシュ証明書は通常365日です。",
    ),
    "not_pem": Text(
        "It is not in the text form (PEM) that Apple gives, and will be converted.",
        "Apple が発行するテキスト形式（PEM）ではないため、変換して使用します。",
    ),
}
