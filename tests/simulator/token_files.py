# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The two token files as Apple's portals write them; openssl does the encryption."""

from __future__ import annotations

import base64
import datetime
import json
import subprocess
import tempfile

from .state import OAuthTokens, plain

OUTER = (
    'Content-Type: application/pkcs7-mime; name="smime.p7m"; smime-type=enveloped-data\r\n'
    "Content-Transfer-Encoding: base64\r\n"
    'Content-Disposition: attachment; filename="smime.p7m"\r\n'
    "Content-Description: S/MIME Encrypted Message\r\n"
    "\r\n"
)
FOLD = 64


def inner_message(tokens: OAuthTokens) -> bytes:
    """MIME text with the JSON folded between MESSAGE lines."""
    text = json.dumps(plain(tokens), separators=(",", ":"))
    lines = [
        "Content-Type: text/plain;charset=UTF-8",
        "Content-Transfer-Encoding: 7bit",
        "",
        "-----BEGIN MESSAGE-----",
        *(text[start : start + FOLD] for start in range(0, len(text), FOLD)),
        "-----END MESSAGE-----",
        "",
    ]
    return "\r\n".join(lines).encode()


def enveloped(content: bytes, certificate: str, cipher: str, *, form: str, stream: bool) -> bytes:
    """content for the owner of the certificate, as openssl smime writes it: form SMIME or DER."""
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as recipient:
        recipient.write(certificate)
        recipient.flush()
        command = ["openssl", "smime", "-encrypt", "-binary", f"-{cipher}", "-outform", form]
        command += (["-stream"] if stream else []) + [recipient.name]
        return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def server_token_file(tokens: OAuthTokens, certificate: str, cipher: str, *, stream: bool) -> bytes:
    """The .p7m: openssl's S/MIME body under the headers that Apple's files have."""
    smime = enveloped(inner_message(tokens), certificate, cipher, form="SMIME", stream=stream)
    _head, body = smime.replace(b"\r\n", b"\n").split(b"\n\n", 1)
    return OUTER.encode() + body.strip().replace(b"\n", b"\r\n") + b"\r\n"


def content_token_text(inner: str, not_after: datetime.datetime, organization: str) -> str:
    """The .vpptoken's text."""
    fields = {"expDate": not_after.strftime("%Y-%m-%dT%H:%M:%S%z"), "token": inner, "orgName": organization}
    return base64.b64encode(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()).decode()
