"""Downloads a file over HTTP: whole, checked, and from where an earlier attempt broke off."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import exceptions as faults

from imgxlate import __version__, signatures
from imgxlate.callbacks import Progress, ignore
from imgxlate.downloads.partials import Partial, Patience, Source
from imgxlate.downloads.remote import RemoteFile, sha256_of
from imgxlate.errors import NetworkError

_CHUNK_BYTES = 1 << 16
_SIZE_TOLERANCE = 0.1  # a fraction: published sizes are rounded, and file formats add to the weights
_LARGEST_BYTES = 2 << 30  # of a file whose size is unknown
_REDIRECTS = 10
_LONGEST_RETRY_AFTER = 30  # seconds

_TRANSIENT = (429, 500, 502, 503, 504)
_ANSWERS_TO_A_RANGE = (requests.codes.partial_content, requests.codes.requested_range_not_satisfiable)
_STATUS = {
    401: "the server refuses access",
    403: "the server refuses access",
    404: "the server has no such file",
    410: "the server has removed the file",
    429: "the server gets too many requests, wait a while",
}

# The first that fits is used, so special kinds come before general ones.
_FAULTS = (
    (faults.SSLError, "no secure connection: {cause}; check the clock, and whether a proxy needs its own certificate"),
    (faults.ProxyError, "the proxy fails: {cause}; check HTTPS_PROXY"),
    (faults.NameResolutionError, "the server's name cannot be resolved; check the network"),
    (faults.NewConnectionError, "the server cannot be reached: {cause}"),
    (faults.ConnectTimeoutError, "the server does not answer"),
    (faults.ReadTimeoutError, "the server has stalled"),
    (faults.ProtocolError, "the connection broke off"),
    (requests.TooManyRedirects, "the server redirects without end"),
    (
        requests.exceptions.InvalidSchema,
        "a redirect to an insecure address is refused: {cause}",
    ),
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that was downloaded and checked."""

    file: Path
    sha256: str
    url: str


class _MirrorError(Exception):
    """The reason why a mirror does not give the file."""


class _InterruptionError(_MirrorError):
    """... after which the same mirror may send the rest."""


@dataclass(frozen=True, slots=True)
class _Mirror:
    """One address of a file, and a session for it."""

    url: str
    remote: RemoteFile
    patience: Patience
    session: requests.Session


def fetch(
    remote: RemoteFile, partial: Partial, patience: Patience, expected: str | None = None, progress: Progress = ignore
) -> Fetched:
    """Download a file from the first of its mirrors that works, continuing what `partial` holds.

    `expected` is the file's sha256 if the caller knows it and `remote` does not.

    Raises:
        NetworkError: no mirror works; gives the reason for each.
        OSError: the disk fails.
    """
    reasons = []
    for url in remote.urls:
        try:
            with _session(url, patience) as session:
                _complete(_Mirror(url, remote, patience, session), partial, progress)
            return Fetched(partial.file, _check(remote, partial, expected), url)
        except _MirrorError as error:
            reasons.append(f"\n  {url}: {error}")
    raise NetworkError(
        f"{remote.name} cannot be downloaded:{''.join(reasons)}",
        hint=f"Try again later; what has arrived is kept. Or {remote.by_hand}.",
    )


def _session(url: str, patience: Patience) -> requests.Session:
    retry = urllib3.Retry(
        total=patience.tries - 1,
        connect=1,  # Waiting does not help without a network or with a wrong certificate.
        other=0,
        status_forcelist=_TRANSIENT,
        backoff_factor=patience.backoff,
        raise_on_status=False,
        retry_after_max=_LONGEST_RETRY_AFTER,
    )
    session = requests.Session()
    session.max_redirects = _REDIRECTS
    session.headers["User-Agent"] = f"imgxlate/{__version__}"
    session.headers["Accept-Encoding"] = "identity"  # Else lengths and ranges are those of a compressed file.
    # A session follows no redirect to a scheme that it has no adapter for: https stays https.
    session.adapters.clear()
    for scheme in ("https://",) if url.startswith("https://") else ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _complete(mirror: _Mirror, partial: Partial, progress: Progress) -> None:
    """Download what is missing, and try again if the connection breaks."""
    for attempt in range(mirror.patience.tries):
        if attempt:
            time.sleep(mirror.patience.backoff * 2**attempt)
        try:
            return _transfer(mirror, partial, progress)
        except _InterruptionError as error:
            interruption = error
    raise interruption


def _transfer(mirror: _Mirror, partial: Partial, progress: Progress) -> None:
    source = partial.source
    if source and source.url == mirror.url and source.total == partial.size:
        return
    with _request(mirror, partial) as response:
        if response.status_code == requests.codes.ok:
            partial.start(_source(response, mirror))
        elif response.status_code not in _ANSWERS_TO_A_RANGE:
            raise _MirrorError(_status(response))
        elif not _continues(response, partial):
            partial.discard()
            raise _InterruptionError("the server cannot continue an interrupted download")
        _receive(response, mirror.remote, partial, progress)


def _request(mirror: _Mirror, partial: Partial) -> requests.Response:
    timeouts = (mirror.patience.connect, mirror.patience.stall)
    headers = _range(partial, mirror.url)
    try:
        return mirror.session.get(mirror.url, headers=headers, stream=True, timeout=timeouts)
    except (requests.RequestException, faults.HTTPError, ValueError) as error:  # ValueError: a malformed redirect.
        raise _MirrorError(_explain(error)) from error


def _range(partial: Partial, url: str) -> dict[str, str]:
    """The headers that request the rest of a file if it is still the same; else the whole file."""
    source = partial.source
    if source is None or source.url != url or source.validator is None or not partial.size:
        return {}
    return {"Range": f"bytes={partial.size}-", "If-Range": source.validator}


def _continues(response: requests.Response, partial: Partial) -> bool:
    """Whether the answer continues what `partial` holds. Some servers obey Range and ignore If-Range."""
    source = partial.source
    start = f"bytes {partial.size}-"
    if source is None or not response.headers.get("Content-Range", "").startswith(start):
        return False
    return _validator(response) in (None, source.validator)


def _source(response: requests.Response, mirror: _Mirror) -> Source:
    """The source that a full answer describes.

    Raises:
        _MirrorError: the answer is not the file.
    """
    headers = response.headers
    if headers.get("Content-Type", "").startswith("text/html"):
        raise _MirrorError(f"the server sends a web page, not {mirror.remote.contents}")
    if headers.get("Content-Encoding", "identity") != "identity":
        raise _MirrorError(f"the server compresses the file ({headers['Content-Encoding']}), unrequested")
    length = headers.get("Content-Length", "")
    if length.isdigit():
        if misfit := _misfit(int(length), mirror.remote):
            raise _MirrorError(misfit)
    elif headers.get("Transfer-Encoding") != "chunked":
        raise _MirrorError("the server does not say how long the file is, so that a break would go unnoticed")
    return Source(mirror.url, _validator(response), int(length) if length.isdigit() else None)


def _validator(response: requests.Response) -> str | None:
    tag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified") if tag.startswith("W/") else tag


def _status(response: requests.Response) -> str:
    other = "the server fails" if response.status_code >= 500 else "the server sends an unexpected answer"
    return f"{_STATUS.get(response.status_code, other)} ({response.status_code} {response.reason})"


def _receive(response: requests.Response, remote: RemoteFile, partial: Partial, progress: Progress) -> None:
    source = partial.source  # Read from the disk at each access, which may fail.
    total = source.total if source else None
    with partial.file.open("r+b") as file:
        done = file.seek(0, os.SEEK_END)
        progress(done, total)
        try:
            for chunk in response.iter_content(_CHUNK_BYTES):
                if done == 0 and (other := signatures.recognize(chunk)):
                    raise _MirrorError(f"the server sends {other.title}, not {remote.contents}")
                done += len(chunk)
                if done > (total or _largest(remote)):
                    partial.discard()
                    raise _MirrorError(f"the server sends more than {total or _largest(remote)} bytes")
                file.write(chunk)
                file.flush()  # So that a killed process does not lose what it has received.
                progress(done, total)
        except (requests.RequestException, faults.HTTPError) as error:
            raise _InterruptionError(f"{_explain(error)} after {done} of {total or 'unknown'} bytes") from error
    if done < (total or 0):
        raise _InterruptionError(f"the server ended after {done} of {total} bytes")


def _check(remote: RemoteFile, partial: Partial, expected: str | None) -> str:
    """The sha256 of the whole file.

    Raises:
        _MirrorError: the file is not the expected one; it is removed.
    """
    wanted = expected or remote.sha256 or remote.prefix or ""
    digest = sha256_of(partial.file)
    misfit = _misfit(partial.size, remote)
    if not digest.startswith(wanted):
        misfit = f"the file is not the expected one: its sha256 is {digest}, not {wanted}"
    if misfit:
        partial.discard()
        raise _MirrorError(misfit)
    return digest


def _misfit(size: int, remote: RemoteFile) -> str | None:
    """The reason why a file of this size is not the expected one's; None if it may be."""
    smallest = (1 - _SIZE_TOLERANCE) * remote.size if remote.size else 1
    if smallest <= size <= _largest(remote):
        return None
    return f"the file has {size} bytes; about {remote.size or 'some millions of'} are expected"


def _largest(remote: RemoteFile) -> int:
    return round((1 + _SIZE_TOLERANCE) * remote.size) if remote.size else _LARGEST_BYTES


def _explain(error: Exception) -> str:
    """The error as a sentence. The exceptions of requests wrap those of urllib3, which say more."""
    inner = error.args[0] if error.args else None
    cause = getattr(inner, "reason", inner)
    for kind, sentence in _FAULTS:
        if isinstance(cause, kind) or isinstance(error, kind):
            return sentence.format(cause=str(cause).rpartition(": ")[2])
    return f"{type(error).__name__}: {error}"
