import gzip
import hashlib
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from web_server import CERTIFICATE

from imgxlate.downloads import http
from imgxlate.downloads.partials import Patience, Source, claim
from imgxlate.errors import NetworkError

QUICK = Patience(connect=5, stall=0.5, tries=2, backoff=0.01)
LOST_PER_BREAK = 1 << 16  # bytes: what is read is written in pieces of this size


@pytest.fixture
def fetch(tmp_path):
    """Fetches a card's file and returns its bytes; what interruptions leave is found again by the next call."""

    def fetch(card, **how):
        with claim(tmp_path / "partial") as partial:
            fetched = http.fetch(card, partial, how.pop("patience", QUICK), **how)
            data = fetched.file.read_bytes()
            assert hashlib.sha256(data).hexdigest() == fetched.sha256
            partial.discard()
            return data

    return fetch


@pytest.fixture
def left_over(tmp_path):
    """Leaves the beginning of a download, as a killed process does."""

    def leave(url, data, *, validator='"first"', total=None):
        with claim(tmp_path / "partial") as partial:
            partial.start(Source(url, validator, total))
            partial.file.write_bytes(data)

    return leave


def refusal(fetch, card, **how):
    """The sentence in which a download fails, after the checks that hold for all of them."""
    with pytest.raises(NetworkError) as caught:
        fetch(card, **how)
    assert all(url in str(caught.value) for url in card.urls)
    assert f"imgxlate weights import {card.name} FILE" in caught.value.hint
    return str(caught.value)


def test_a_file_arrives_whole_with_its_progress(server, make_card, body, fetch):
    steps = []
    assert fetch(make_card(server.offer("/a", body)), progress=lambda *step: steps.append(step)) == body
    assert steps[0] == (0, len(body))
    assert steps[-1] == (len(body), len(body))
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (403, "refuses access"),
        (404, "no such file"),
        (410, "has removed the file"),
        (418, "an unexpected answer"),
        (429, "wait a while"),
        (500, "the server fails"),
        (503, "the server fails"),
        (507, "the server fails"),
    ],
)
def test_an_error_status_is_reported_in_words_and_as_a_number(server, make_card, fetch, status, words):
    message = refusal(fetch, make_card(server.offer("/a", fault="status", status=status)))
    assert words in message
    assert str(status) in message


def test_a_download_is_tried_again_after_a_temporary_error(server, make_card, body, fetch):
    assert fetch(make_card(server.offer("/a", body, fault="fails once"))) == body


def test_the_next_mirror_is_tried(server, make_card, body, fetch):
    card = make_card(server.offer("/gone", fault="status", status=404), server.offer("/b", body))
    assert fetch(card) == body


def test_when_all_mirrors_fail_each_one_is_named(server, make_card, fetch):
    card = make_card(server.offer("/gone", fault="status", status=404), server.offer("/page", b"<html>", fault="none"))
    message = refusal(fetch, card)
    assert "no such file" in message
    assert "web page" in message


@pytest.mark.parametrize("headers", [{"Content_Type": "text/html; charset=utf-8"}, {}], ids=["said", "unsaid"])
def test_a_web_page_is_refused(server, make_card, fetch, headers):
    page = b"\n <!DOCTYPE html><title>Sign in</title>"
    assert "web page" in refusal(fetch, make_card(server.offer("/a", page, headers=headers)))


def test_a_git_lfs_pointer_is_refused(server, make_card, fetch):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 45512716\n"
    assert "sends a Git LFS pointer, not weights" in refusal(fetch, make_card(server.offer("/a", pointer)))


def test_a_stalled_download_times_out(server, make_card, body, fetch):
    end = threading.Event()
    url = server.offer("/a", body, fault="paused", pause_at=500_000, resume=end.wait)
    message = refusal(fetch, make_card(url), patience=replace(QUICK, stall=0.2))
    end.set()
    assert "stalled" in message
    assert f"of {len(body)} bytes" in message


def test_a_silent_server_times_out(make_card, fetch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/a"
        assert "stalled" in refusal(fetch, make_card(url), patience=replace(QUICK, stall=0.1))


def test_a_download_continues_after_a_broken_connection(server, make_card, body, fetch):
    url = server.offer("/a", body, fault="breaks off", pause_at=len(body) // 3 + 1)
    assert fetch(make_card(url), patience=replace(QUICK, tries=6)) == body
    assert server.sent <= len(body) + LOST_PER_BREAK * (len(server.seen) - 1)


def test_a_truncated_file_is_refused(server, make_card, body, fetch):
    message = refusal(fetch, make_card(server.offer("/a", body, fault="breaks off", pause_at=1 << 16)))
    assert "broke off after 131072 of 3000000 bytes" in message


def test_the_next_call_continues_where_the_last_one_broke_off(server, make_card, body, fetch):
    card = make_card(server.offer("/a", body, fault="breaks off", pause_at=1_000_000))
    refusal(fetch, card, patience=replace(QUICK, tries=1))
    server.offers["/a"].fault = "none"
    assert fetch(card) == body
    assert server.sent <= len(body) + LOST_PER_BREAK


def test_a_complete_partial_file_is_not_requested_again(server, make_card, body, fetch, left_over):
    url = server.offer("/a", body)
    left_over(url, body, total=len(body))
    assert fetch(make_card(url)) == body
    assert server.seen == []


@pytest.mark.parametrize("fault", ["none", "ignores Range", "neglects If-Range", "refuses Range"])
def test_the_rest_of_another_file_is_never_appended(server, make_card, body, fetch, left_over, fault):
    url = server.offer("/a", body, fault=fault, etag='"second"')
    left_over(url, b"x" * 1000, validator='"first"', total=len(body))
    assert fetch(make_card(url)) == body


@pytest.mark.parametrize("fault", ["ignores Range", "refuses Range"])
def test_a_server_that_cannot_continue_starts_again(server, make_card, body, fetch, left_over, fault):
    url = server.offer("/a", body, fault=fault)
    left_over(url, body[:1000], total=len(body))
    assert fetch(make_card(url)) == body


def test_a_leftover_of_another_mirror_is_not_continued(server, make_card, body, fetch, left_over):
    left_over(server.url("/other"), b"x" * 1000, total=len(body))
    assert fetch(make_card(server.offer("/a", body))) == body
    assert server.seen == [("/a", None)]


def test_a_leftover_survives_a_mirror_that_fails(server, make_card, body, fetch, left_over):
    card = make_card(server.offer("/gone", fault="status", status=404), server.offer("/b", body))
    left_over(card.urls[1], body[:2_000_000], total=len(body))
    assert fetch(card) == body
    assert server.sent == 1_000_000


@pytest.mark.parametrize(
    ("etag", "headers", "validator"),
    [
        (None, {"Last_Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}, "Sat, 01 Jan 2022 00:00:00 GMT"),
        ('W/"weak"', {"Last_Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}, "Sat, 01 Jan 2022 00:00:00 GMT"),
    ],
)
def test_without_a_strong_etag_the_date_is_the_validator(
    server, make_card, body, fetch, left_over, etag, headers, validator
):
    url = server.offer("/a", body, etag=etag, headers=headers)
    left_over(url, body[:1_000_000], validator=validator, total=len(body))
    assert fetch(make_card(url)) == body
    assert server.sent == 2_000_000


def test_without_a_validator_a_download_starts_again(server, make_card, body, fetch):
    card = make_card(server.offer("/a", body, etag=None, fault="breaks off", pause_at=1_000_000))
    refusal(fetch, card)
    server.offers["/a"].fault = "none"
    assert fetch(card) == body
    assert {wanted for _, wanted in server.seen} == {None}


def test_a_partial_file_with_a_damaged_note_is_not_continued(server, make_card, body, fetch, left_over, tmp_path):
    url = server.offer("/a", body)
    left_over(url, body[:1000])
    next(tmp_path.glob("partial/*/source.json")).write_text("{")
    assert fetch(make_card(url)) == body


@pytest.mark.parametrize("facts", [{"sha256": "0" * 64}, {"prefix": "00000000"}], ids=["sha256", "prefix"])
def test_wrong_bytes_are_refused_and_not_kept(server, make_card, body, fetch, facts, tmp_path):
    message = refusal(fetch, make_card(server.offer("/a", body), **facts))
    assert hashlib.sha256(body).hexdigest() in message
    assert list(tmp_path.glob("partial/*")) == []


def test_a_file_with_the_published_prefix_is_accepted(server, make_card, body, fetch):
    assert fetch(make_card(server.offer("/a", body), prefix=hashlib.sha256(body).hexdigest()[:8])) == body


def test_the_callers_hash_takes_precedence_over_the_cards(server, make_card, body, fetch):
    card = make_card(server.offer("/a", body), prefix=hashlib.sha256(body).hexdigest()[:8])
    assert "not the expected one" in refusal(fetch, card, expected="0" * 64)


@pytest.mark.parametrize("size", [1_000, 100_000_000])
def test_a_length_far_from_the_cards_is_refused(server, make_card, body, fetch, size):
    message = refusal(fetch, make_card(server.offer("/a", body), size=size))
    assert str(size) in message


def test_a_length_near_the_cards_is_accepted(server, make_card, body, fetch):
    assert fetch(make_card(server.offer("/a", body), size=3_100_000)) == body


@pytest.mark.parametrize("number", [1, 2])
def test_a_note_that_cannot_be_read_for_a_moment_does_not_end_a_download(
    server, make_card, body, fetch, monkeypatch, number
):
    reads, read = [], Path.read_bytes

    def fail_once(path):
        data = read(path)
        if path.name == "source.json":
            reads.append(path)
            if len(reads) == number:
                raise OSError(5, "Input/output error")
        return data

    monkeypatch.setattr(Path, "read_bytes", fail_once)
    assert fetch(make_card(server.offer("/a", body))) == body


def test_an_empty_file_is_refused(server, make_card, fetch):
    assert "0 bytes" in refusal(fetch, make_card(server.offer("/a", b"")))


def test_chunks_without_a_length_are_accepted(server, make_card, body, fetch):
    assert fetch(make_card(server.offer("/a", body, fault="chunked"))) == body


@pytest.mark.parametrize("size", [1_000_000, 100_000_000])
def test_chunks_far_from_the_cards_size_are_refused(server, make_card, body, fetch, size, tmp_path):
    assert "bytes" in refusal(fetch, make_card(server.offer("/a", body, fault="chunked"), size=size))
    assert list(tmp_path.glob("partial/*")) == []


def test_a_file_of_unknown_length_is_refused(server, make_card, body, fetch):
    assert "how long" in refusal(fetch, make_card(server.offer("/a", body, fault="hides length")))


def test_a_range_that_ends_early_is_noticed(server, make_card, body, fetch, left_over):
    """The answer is complete in itself, but not up to the end of the file."""
    url = server.offer("/a", body)
    left_over(url, body[:1000], total=len(body) + 500)
    assert "ended after" in refusal(fetch, make_card(url))


def test_a_range_that_goes_on_too_long_is_noticed(server, make_card, body, fetch, left_over):
    url = server.offer("/a", body)
    left_over(url, body[:1000], total=2000)
    assert "more than 2000 bytes" in refusal(fetch, make_card(url))


def test_a_compressed_answer_is_refused(server, make_card, body, fetch):
    url = server.offer("/a", gzip.compress(body), headers={"Content_Encoding": "gzip"})
    assert "compresses the file (gzip)" in refusal(fetch, make_card(url))


def test_redirects_are_followed(server, make_card, body, fetch):
    to = server.offer("/b", body)
    assert fetch(make_card(server.offer("/a", fault="status", status=302, headers={"Location": to}))) == body


def test_an_endless_redirect_is_refused(server, make_card, fetch):
    url = server.offer("/a", fault="status", status=302, headers={"Location": "/a"})
    assert "without end" in refusal(fetch, make_card(url))


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/a", "file:///etc/passwd"])
def test_a_redirect_to_another_scheme_is_refused(server, make_card, fetch, to):
    url = server.offer("/a", fault="status", status=302, headers={"Location": to})
    assert f"refused: No connection adapters were found for '{to}'" in refusal(fetch, make_card(url))


@pytest.mark.parametrize("to", ["http://[::1", "http://", "http://127.0.0.1:99999999/"])
def test_a_malformed_redirect_is_a_network_error(server, make_card, fetch, to):
    refusal(fetch, make_card(server.offer("/a", fault="status", status=302, headers={"Location": to})))


def test_https_never_redirects_to_http(server, secure_server, make_card, body, fetch, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    insecure = server.offer("/b", body)
    card = make_card(secure_server.offer("/a", fault="status", status=302, headers={"Location": insecure}))
    assert "a redirect to an insecure address is refused" in refusal(fetch, card)
    assert server.seen == []


def test_https_redirects_to_https(secure_server, make_card, body, fetch, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    to = secure_server.offer("/b", body)
    assert fetch(make_card(secure_server.offer("/a", fault="status", status=302, headers={"Location": to}))) == body


def test_an_untrusted_certificate_is_refused(secure_server, make_card, body, fetch):
    assert "no secure connection: self-signed certificate" in refusal(fetch, make_card(secure_server.offer("/a", body)))


def test_a_closed_port_is_reported(make_card, fetch):
    with socket.create_server(("127.0.0.1", 0)) as once:
        url = f"http://127.0.0.1:{once.getsockname()[1]}/a"
    assert "cannot be reached: [Errno 111] Connection refused" in refusal(fetch, make_card(url))


def test_an_unknown_host_is_reported(make_card, fetch, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "check the network" in refusal(fetch, make_card("http://weights.invalid/a"))


def test_a_missing_proxy_is_reported(secure_server, make_card, fetch, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as once:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{once.getsockname()[1]}")
    monkeypatch.delenv("NO_PROXY")
    assert "HTTPS_PROXY" in refusal(fetch, make_card(secure_server.offer("/a")))
