"""Find and mask the secrets in settings and messages."""

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote

MASK = "***"
_SHORTEST = 4
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NAME = re.compile(
    r"(?:^|[-_.])(?:(?:api)?keys?|token|secrets?|passwords?|passwd|pwd|authorization|auth|bearer"
    r"|credentials?|signature|sig|cookies?)$",
    re.I,
)
_HEADERS = re.compile(r"headers?$", re.I)
_USER = re.compile(r"(?<=://)([^/\s?#\"'<>]*)@")
_QUERY = re.compile(r"([?&;]([\w.%-]+)=)([^&;\s#\"'<>]+)")
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{4,}", re.I)
_KEYS = re.compile(r"\b(?:sk-|hf_)[\w*-]{6,}")


def masked(text: str, secrets: Collection[str] = ()) -> str:
    """Mask known secrets in a text, secrets in URLs, bearer tokens, and keys of OpenAI and the hub.

    Args:
        text: A message, or one value of settings.
        secrets: Known secrets, as from `secrets_of`; secrets of fewer than four characters stay.

    >>> masked("http://ann:pw@host/v1?api_key=abc&model=m refused sesame", ["sesame"])
    'http://***@host/v1?api_key=***&model=m refused ***'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    text = _USER.sub(f"{MASK}@", text)
    text = _QUERY.sub(lambda found: found[1] + (MASK if _is_secret(found[2]) else found[3]), text)
    return _KEYS.sub(MASK, _BEARER.sub(rf"\1 {MASK}", text))


def without_secrets(value: Any, name: str = "") -> Any:
    """Mask the secrets in settings: texts under a name such as ``api_key``, headers, parts of URLs.

    Args:
        value: A setting, or tables and lists of settings.
        name: Name of the setting.

    >>> without_secrets({"base_url": "https://key@host/v1", "body": {"api_key": "abc", "top_k": 5}})
    {'base_url': 'https://***@host/v1', 'body': {'api_key': '***', 'top_k': 5}}
    """
    if isinstance(value, Mapping):
        return {
            k: without_secrets(v, name if _is_secret(name) else str(k)) for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(item, name) for item in value]
    if not isinstance(value, str):
        return value
    return MASK if value and _is_secret(name) else masked(value)


def secrets_of(value: Any, name: str = "") -> frozenset[str]:
    """The secrets in settings, also in the forms that they have in a URL or in a header.

    >>> sorted(secrets_of({"base_url": "https://ann:p%40ss@host/v1", "body": {"token": "abcd"}}))
    ['YW5uOnBAc3M%3D', 'YW5uOnBAc3M=', 'abcd', 'p%40ss', 'p@ss']
    """
    secrets = set(_found(value, name))
    quoted = {quote(secret, safe="") for secret in secrets}
    return frozenset(filter(None, secrets | quoted))


def _found(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _found(item, name if _is_secret(name) else str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _found(item, name)
    elif isinstance(value, str) and _is_secret(name):
        yield from (value, value.rpartition(" ")[2])
    elif isinstance(value, str) and "://" in value:
        yield from _found_in_url(value)


def _found_in_url(url: str) -> Iterator[str]:
    for whole in _USER.findall(url):
        user, _, password = (unquote(part) for part in whole.partition(":"))
        yield from (password or user, base64.b64encode(f"{user}:{password}".encode()).decode())
    for _, name, secret in _QUERY.findall(url):
        if _is_secret(name):
            yield unquote(secret)


def _is_secret(name: str) -> bool:
    plain = _CAMEL.sub("_", unquote(name))
    return bool(_NAME.search(plain) or _HEADERS.search(plain))
