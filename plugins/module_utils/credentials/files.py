# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What kind of file somebody picked, by its bytes alone. A kind has the name of the verdict that refuses it.

Nothing is verified here: a certificate is what is built like one. Standard library only.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field

__all__ = ["LONGEST", "File", "blocks", "from_base64", "look"]

LONGEST = 1 << 20

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "zip_archive"),
    (b"PK\x05\x06", "zip_archive"),
    (b"\x1f\x8b", "gzip_archive"),
    (b"7z\xbc\xaf\x27\x1c", "other_archive"),
    (b"Rar!\x1a\x07", "other_archive"),
    (b"BZh", "other_archive"),
    (b"\xfd7zXZ\x00", "other_archive"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"II*\x00", "image"),
    (b"MM\x00*", "image"),
    (b"{\\rtf", "rtf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office_document"),
    (b"L\x00\x00\x00\x01\x14\x02\x00", "shortcut"),
    (b"\x00\x05\x16\x07", "mac_shadow_file"),
    (b"\x00\x00\x00\x01Bud1", "mac_shadow_file"),
)
_OFFICE_PARTS = (b"[Content_Types].xml", b"Index/Document.iwa", b"application/vnd.oasis.opendocument")
_PKCS7 = bytes.fromhex("06092a864886f70d0107")  # the last byte says which kind
_AUTH_ENVELOPED = bytes.fromhex("060b2a864886f70d0109100117")
_SERVER_TOKEN_KEYS = {"consumer_key", "consumer_secret", "access_token", "access_secret"}
_ERROR_KEYS = {"error", "errors", "error_description", "errorNumber", "errorMessage", "errorCode", "status"}
_SIGN_IN = re.compile(r"idmsa\.apple\.com|appleid\.apple\.com|account\.apple\.com")
_SIGN_IN_WORDS = re.compile(r"sign[ -]?in|サインイン", re.IGNORECASE)
_BOUNDARY = re.compile(r"-----(BEGIN|END) ([A-Za-z0-9 ]{1,40})-----")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}:[ \t]?[^\n]*\n")


@dataclass(frozen=True)
class File:
    """kind: a verdict's code. content: the innermost bytes (DER, CMS, JSON, property list), where somebody needs them."""

    kind: str
    content: bytes = field(default=b"", repr=False)


def look(data: bytes) -> File:
    """Never fails: what nobody knows is unknown_file."""
    if not data:
        return File("empty")
    if len(data) > LONGEST:
        return File("too_long")
    return _look(data, wrappings=0)


def from_base64(text: str) -> bytes | None:
    """Strict, except that blanks and line breaks may stand anywhere and padding may lack."""
    packed = "".join(text.split())
    if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", packed):
        return None
    packed = packed.rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def blocks(text: str) -> list[tuple[str, str]] | None:
    """The PEM blocks as label and body; None where a BEGIN has no END of its own."""
    found, opened = [], None
    for boundary in _BOUNDARY.finditer(text):
        if boundary[1] == "BEGIN":
            if opened:
                return None
            opened = boundary
        else:
            if not opened or opened[2] != boundary[2]:
                return None
            found.append((boundary[2], text[opened.end() : boundary.start()]))
            opened = None
    return None if opened else found


def _look(data: bytes, *, wrappings: int) -> File:
    if not data.strip(b" \t\r\n\v\f\x00\xef\xbb\xbf"):
        return File("blank")
    kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
    if kind == "zip_archive" and any(part in data for part in _OFFICE_PARTS):
        kind = "office_document"
    if kind:
        return File(kind)
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return File("image")
    if data[257:262] == b"ustar":
        return File("other_archive")
    if data.startswith(b"bplist"):
        return File(_property_list(data))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:64].count(0) * 3 > len(data[:64]):
        return File("utf16")
    if data[0] == 0x30 and (data[1:2] >= b"\x80" or b"\x00" in data or not data.isascii()):
        return _look_at_der(data)
    return _look_at_text(data.decode("utf-8-sig", "replace").strip(), wrappings=wrappings)


def _look_at_text(text: str, *, wrappings: int) -> File:
    start = text[:4000].lower()
    if start.startswith("<"):
        return File(_markup(text, start), text.encode("utf-8"))
    if "-----BEGIN " in text:
        return _look_at_pem(text)
    if start.startswith(("{", "[{")):
        return _look_at_json(text)
    if start.startswith(("[internetshortcut]", "[desktop entry]", "[{000214a0")):
        return File("shortcut")
    if _HEADER.match(text):
        return _look_at_message(text, start)
    if len(text) >= 100 and re.fullmatch(r"[0-9A-Fa-f\s]+", text):
        return _look_at_hex(text)
    packed = "".join(text.split())
    if wrappings >= 2 or not re.fullmatch(r"[A-Za-z0-9+/]{16,}={0,2}", packed):
        return File("unknown_file")
    inner = from_base64(packed[: len(packed) - 1] if len(packed.rstrip("=")) % 4 == 1 else packed) or b""
    found = _look(inner, wrappings=wrappings + 1)
    return File(_inside_base64(found.kind, inner), found.content)


def _inside_base64(kind: str, inner: bytes) -> str:
    """A kind that base64 text of such a file has; only files that exist in this form are known in it."""
    start = inner[:4000].lstrip()
    if kind == "is_decoded_content_token":
        return "is_content_token"
    if kind in ("unknown_file", "other_json") and start.startswith(b"{") and b'"token"' in start:
        return "truncated_content_token"
    if start.startswith(b"<") and (b"PushCert" in inner or b"<plist" in start):
        return "is_upload_file" if b"PushCert" in inner else kind
    return kind


def _markup(text: str, start: str) -> str:
    if "<plist" in start:
        return _property_list(text.encode("utf-8"))
    if "<html" in start or "<!doctype html" in start or "<head" in start or "<body" in start:
        sign_in = _SIGN_IN.search(text) and _SIGN_IN_WORDS.search(text)
        return "apple_sign_in_page" if sign_in else "html_page"
    return "unknown_file"


def _property_list(data: bytes) -> str:
    if b"PushCertRequestCSR" in data or b"PushCertSignature" in data:
        return "is_upload_file"
    if b"PayloadType" in data or b"PayloadContent" in data:
        return "mobileconfig"
    if b"<key>URL</key>" in data or (data.startswith(b"bplist") and b"SURL" in data):
        return "shortcut"
    return "property_list"


def _look_at_json(text: str) -> File:
    content = text.encode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return File("is_decrypted_server_token" if '"consumer_secret"' in text else "unknown_file", content)
    keys = found.keys() if isinstance(found, dict) else set()
    if keys & _SERVER_TOKEN_KEYS:
        return File("is_decrypted_server_token", content)
    if "token" in keys and keys & {"expDate", "orgName"}:
        return File("is_decoded_content_token", content)
    return File("json_error" if keys & _ERROR_KEYS else "other_json", content)


def _look_at_message(text: str, start: str) -> File:
    """Headers, an empty line, a body: what S/MIME and mail are made of."""
    head, _gap, body = text.replace("\r\n", "\n").partition("\n\n")
    head = head.lower()
    if "pkcs7-mime" in head and len(head) < 10_000:
        packed = "".join(body.split())
        content = from_base64(packed[: len(packed.rstrip("=")) // 4 * 4] if len(packed) % 4 else packed) or b""
        found = _look_at_der(content)
        truncated = not content or found.kind in ("unknown_file", "truncated_certificate")
        return File("truncated_server_token" if truncated else found.kind, found.content)
    if "-----begin message-----" in start or '"consumer_secret"' in text:
        return File("is_decrypted_server_token")
    if "multipart/related" in head or "saved by" in head:
        return File("html_page")
    if re.search(r"^(from|received|subject|mime-version):", head, re.MULTILINE):
        return File("email_message")
    return File("unknown_file")


def _look_at_hex(text: str) -> File:
    packed = "".join(text.split())
    found = _look_at_der(bytes.fromhex(packed[: len(packed) // 2 * 2]))
    return File("is_encrypted_request", found.content) if found.kind == "is_server_token" else File("unknown_file")


def _look_at_pem(text: str) -> File:
    if "-----BEGIN MESSAGE-----" in text:
        return File("is_decrypted_server_token")
    found = blocks(text)
    if found is None:
        return File("truncated_server_token" if re.search("BEGIN (PKCS7|CMS)-", text) else "truncated_certificate")
    labels = [label for label, _body in found]
    certificates = labels.count("CERTIFICATE") + labels.count("X509 CERTIFICATE")
    if any(label.endswith("PRIVATE KEY") for label in labels):
        return File("certificate_and_key" if certificates else "is_private_key")
    if certificates > 1:
        return File("several_certificates")
    if any(label.endswith("CERTIFICATE REQUEST") for label in labels):
        return File("is_csr", from_base64(found[0][1]) or b"")
    if any(label.endswith("PUBLIC KEY") for label in labels):
        return File("is_public_key")
    if len(found) != 1:
        return File("unknown_file")
    inner = _look_at_der(from_base64(found[0][1]) or b"")
    if certificates and inner.kind == "unknown_file":
        return File("damaged_certificate")
    return inner


def _look_at_der(data: bytes) -> File:
    """DER, and for CMS also BER with indefinite lengths."""
    if not data or data[0] != 0x30:
        return File("unknown_file")
    start, end = _header(data, 0)
    if data[start : start + len(_PKCS7)] == _PKCS7 or data[start : start + len(_AUTH_ENVELOPED)] == _AUTH_ENVELOPED:
        return _look_at_cms(data, data[start + len(_PKCS7) :][:1], truncated=end is not None and end > len(data))
    outer = _children(data, start, end)
    inner = _children(data, *_header(data, start)) if outer[:1] == [0x30] else []
    if outer[:1] == [0x30] and (inner[:1] == [0xA0] or inner[:3] in ([2, 0x30, 0x30], [2, 0x30])):
        if end is None or end > len(data):
            return File("truncated_certificate")
        if inner[:3] == [2, 0x30, 0x30] and inner[3:] in ([], [0xA0]):
            return File("is_csr", data)
        return File("is_push_certificate" if b"com.apple.mgmt" in data else "is_certificate", data[:end])
    if outer[:3] == [2, 0x30, 4] or outer[:4] == [2, 2, 2, 2] or outer[:2] == [2, 4]:
        return File("is_private_key")
    if outer == [0x30, 4] and inner[:1] == [6]:
        return File("is_private_key")  # PKCS#8 under a passphrase
    if outer[:2] == [2, 0x30] and _PKCS7 in data[:64]:
        return File("pkcs12")
    if outer == [0x30, 3] and inner[:1] == [6]:
        return File("is_public_key")
    return File("unknown_file")


def _look_at_cms(data: bytes, kind: bytes, *, truncated: bool) -> File:
    if kind == b"\x02":
        return File("mobileconfig" if b"PayloadType" in data else "is_signed_message")
    if kind not in (b"\x03", b"\x06", b"\x10", b""):
        return File("unknown_file")
    indefinite = data[1] == 0x80
    if truncated or not kind or (indefinite and not data.rstrip(b"\r\n").endswith(b"\x00\x00")):
        return File("truncated_server_token")
    return File("is_server_token", data)


def _header(data: bytes, at: int) -> tuple[int, int | None]:
    """Where the content of the element at this place starts and ends; None for an indefinite or absurd length."""
    first = data[at + 1] if at + 1 < len(data) else 0
    if first < 0x80:
        return at + 2, at + 2 + first
    octets = first & 0x7F
    if not 0 < octets <= 4:
        return at + 2, None
    start = at + 2 + octets
    return start, start + int.from_bytes(data[at + 2 : start], "big")


def _children(data: bytes, start: int, end: int | None) -> list[int]:
    """The tags of the first eight elements inside."""
    tags: list[int] = []
    while start < min(len(data), len(data) if end is None else end) and len(tags) < 8:
        tags.append(data[start])
        _content, after = _header(data, start)
        if after is None:
            break
        start = after
    return tags
