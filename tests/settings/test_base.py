"""The building bricks of settings: durations, names, paths and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from canary.settings import (
    Address,
    Duration,
    FilePath,
    ListOf,
    Secret,
    Slug,
    format_duration,
)

DURATION = TypeAdapter(Duration)
SLUG = TypeAdapter(Slug)
ENVIRONMENT = "PATH"  # the one variable that is sure to be there, and no secret

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class TestDuration:
    @given(st.integers(1, 999_999_999), st.sampled_from(sorted(UNITS)))
    def test_is_a_number_and_a_unit(self, number: int, unit: str) -> None:
        assert DURATION.validate_python(f"{number}{unit}") == number * UNITS[unit]

    @given(st.integers(1, 10_000_000_000))
    def test_what_is_written_is_read_back(self, milliseconds: int) -> None:
        seconds = milliseconds / 1000
        if seconds <= 999_999_999:
            assert DURATION.validate_python(format_duration(seconds)) == pytest.approx(seconds, rel=1e-12)

    @given(st.text(max_size=12) | st.integers() | st.floats() | st.none() | st.booleans())
    def test_anything_else_is_refused(self, value: Any) -> None:
        try:
            seconds = DURATION.validate_python(value)
        except ValidationError:
            return
        assert isinstance(value, str)
        assert seconds > 0

    @pytest.mark.parametrize(
        "text", ["", "10", "10 m", "-1s", "0s", "0.000h", "1w", "10M", "1e3s", "١s", "1s\n", " 1s"]
    )
    def test_these_are_refused(self, text: str) -> None:
        with pytest.raises(ValidationError, match="wanted a duration such as 30s, 10m, 24h or 7d"):
            DURATION.validate_python(text)


class TestSlug:
    @given(st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True))
    def test_a_label(self, text: str) -> None:
        assert SLUG.validate_python(text) == text

    @pytest.mark.parametrize("text", ["", "A", "1a", "-a", "a_b", "a b", "a\n", "ä", "a" * 41, "a/b"])
    def test_no_label(self, text: str) -> None:
        with pytest.raises(ValidationError, match="at most 40 lower-case letters"):
            SLUG.validate_python(text)


class TestListOf:
    @given(st.lists(st.text()))
    def test_a_list_is_kept_as_a_tuple(self, items: list[str]) -> None:
        assert TypeAdapter(ListOf[str]).validate_python(items, strict=True) == tuple(items)

    @pytest.mark.parametrize("value", ["text", 5, None, {"a": 1}, ["a", 5]])
    def test_anything_else_is_refused(self, value: Any) -> None:
        with pytest.raises(ValidationError):
            TypeAdapter(ListOf[str]).validate_python(value, strict=True)


class TestAddress:
    @pytest.mark.parametrize("text", ["a@ca.test", "a.b+c@mail.ca.test", "!#$%&'*+/=?^_`{|}~-@xn--mnchen-3ya.test"])
    def test_one_bare_address(self, text: str) -> None:
        assert TypeAdapter(Address).validate_python(text) == text

    @pytest.mark.parametrize("local", ["", ".a", "a.", "a..b", '"a b"', "a b", "<a", "a\n", "é", "a" * 65])
    def test_no_address(self, local: str) -> None:
        with pytest.raises(ValidationError, match=r"wanted exactly one bare address such as name@example\.com"):
            TypeAdapter(Address).validate_python(f"{local}@ca.test")


class TestSecret:
    def test_from_a_file_without_its_line_end(self, tmp_path: Path) -> None:
        (tmp_path / "password").write_bytes(b" hunter2 \r\n")
        secret = Secret.model_validate({"file": "password"}, context={"folder": tmp_path})
        assert secret.reveal() == " hunter2 "

    def test_from_the_environment(self) -> None:
        assert Secret(env=ENVIRONMENT).reveal()

    @pytest.mark.parametrize(
        ("source", "told"),
        [
            ({"file": "/nowhere/password"}, "secret not found, or empty: file /nowhere/password"),
            ({"env": "CANARY_NO_SUCH"}, "secret not found, or empty: environment variable CANARY_NO_SUCH"),
            ({"credential": "no-such"}, "secret not found, or empty: systemd credential no-such"),
        ],
    )
    def test_one_that_is_not_there_is_named_by_its_source(self, source: dict[str, str], told: str) -> None:
        with pytest.raises(ValueError, match=f"^{told}$"):
            Secret.model_validate(source).reveal()

    def test_an_empty_file_is_no_secret(self, tmp_path: Path) -> None:
        (tmp_path / "empty").write_text("\n", encoding="utf-8")
        with pytest.raises(ValueError, match="secret not found, or empty"):
            Secret(file=tmp_path / "empty").reveal()

    @pytest.mark.parametrize(
        "value",
        [
            "hunter2",
            4711,
            ["hunter2"],
            {},
            {"hunter2": "env"},
            {"env": ""},
            {"env": ["hunter2"]},
            {"env": "A", "file": "hunter2"},
            {"env": "A", "value": "hunter2"},
        ],
    )
    def test_anything_else_is_refused_and_not_repeated(self, value: Any) -> None:
        with pytest.raises(ValidationError) as caught:
            Secret.model_validate(value)
        assert "want {file: PATH}, {env: NAME} or {credential: NAME}" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_prints_nothing_of_itself(self) -> None:
        secret = Secret(env="NAME")
        assert f"{secret} {secret!r}" == "<secret> <secret>"


def test_a_path_counts_from_the_folder_in_the_context() -> None:
    path = TypeAdapter(FilePath)
    assert path.validate_python("a/b", context={"folder": Path("/etc")}) == Path("/etc/a/b")
    assert path.validate_python("/a/b", context={"folder": Path("/etc")}) == Path("/a/b")
    assert path.validate_python("a/b") == Path("a/b")


def test_a_secret_that_is_no_text_is_told_by_its_source_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "hunter\udcff")
    with pytest.raises(ValueError, match=r"^secret is not UTF-8: environment variable PASSWORD$"):
        Secret(env="PASSWORD").reveal()
