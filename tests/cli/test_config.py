"""Where a value comes from, and that no secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from bugwatch.cli.config import MASK, env_example, masked
from bugwatch.config import Config
from tests.cli.conftest import Operator

ROOT = Path(__file__).parents[2]
SECRET = "s3cr3t-" * 6


def test_flag_beats_environment_beats_file_beats_default(bugwatch: Operator) -> None:
    bugwatch.home.mkdir()
    path = bugwatch.home / "bugwatch.toml"
    path.write_text("port = 1111\nrate_limit = 11\ndisk_floor_mb = 1\n")

    shown = bugwatch.run("config", "--json", "--port", "3333", PORT="2222", RATE_LIMIT="22").data

    assert shown["port"] == {"value": 3333, "source": "flag"}
    assert shown["rate_limit"] == {"value": 22, "source": "BUGWATCH_RATE_LIMIT"}
    assert shown["disk_floor_mb"] == {"value": 1, "source": str(path)}
    assert shown["spool_limit_mb"] == {"value": 512, "source": "default"}


def test_a_value_may_stand_in_a_file_of_its_own(bugwatch: Operator, tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text("https://bugs.example.com/\n")

    shown = bugwatch.run("config", "--json", BASE_URL_FILE=str(path)).data

    assert shown["base_url"] == {"value": "https://bugs.example.com", "source": "BUGWATCH_BASE_URL_FILE"}


def test_secrets_are_masked_wherever_they_stand(bugwatch: Operator) -> None:
    settings = {
        "SECRET_KEY": SECRET,
        "DATABASE_URL": f"postgresql://bw:{SECRET}/@:@db/bw?sslpassword={SECRET}",
        "SMTP_URL": f"smtps://mailer:{SECRET}@mail.example.com:465",
    }

    for argv in (["config"], ["config", "--json"]):
        said = bugwatch.run(*argv, **settings)
        assert said.code == 0
        assert "s3cr3t" not in said.out
        assert said.out.count(MASK) >= 4


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("database_url", "postgresql://db/bw", "postgresql://db/bw"),
        ("database_url", "postgresql://bw@db/bw", "postgresql://bw@db/bw"),
        ("database_url", "postgresql://bw:a@b@db/bw", f"postgresql://bw:{MASK}@db/bw"),
        ("database_url", "postgresql:///bw?password=a&host=/run", f"postgresql:///bw?password={MASK}&host=/run"),
        ("secret_key", "", ""),
        ("api_token", "abc", MASK),
        ("open_registration", True, True),
    ],
)
def test_what_is_masked(name: str, value: object, shown: object) -> None:
    assert masked(name, value) == shown


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PORT": "http"}, ["BUGWATCH_PORT", "integer"]),
        ({"PORT": "70000"}, ["BUGWATCH_PORT", "65535"]),
        ({"BASE_URL": "bugs.example.com"}, ["BUGWATCH_BASE_URL", "https://bugs.example.com"]),
        ({"DATABASE_URL": "mysql://db"}, ["BUGWATCH_DATABASE_URL", "postgresql://"]),
        ({"SECRET_KEY": "short"}, ["BUGWATCH_SECRET_KEY", "32"]),
        ({"LOG_LEVEL": "loud"}, ["BUGWATCH_LOG_LEVEL", "debug"]),
        ({"SECRET_KEY_FILE": "/no/such/file"}, ["BUGWATCH_SECRET_KEY_FILE", "/no/such/file"]),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_it(
    bugwatch: Operator, settings: dict[str, str], words: list[str]
) -> None:
    said = bugwatch.run("config", **settings)

    assert all(word in said.sentence for word in words), said


@pytest.mark.parametrize("argv", [["serve"], ["project", "list"]])
def test_a_bad_value_stops_every_command(bugwatch: Operator, argv: list[str]) -> None:
    assert "BUGWATCH_PORT" in bugwatch.spawn(*argv, PORT="http").sentence


@pytest.mark.parametrize(("text", "words"), [("port = [", "cannot be read"), ("prot = 1", "“prot”"), (b"\xff", "read")])
def test_a_bad_file_is_one_sentence(bugwatch: Operator, text: str | bytes, words: str) -> None:
    bugwatch.home.mkdir()
    (bugwatch.home / "bugwatch.toml").write_bytes(text if isinstance(text, bytes) else text.encode())

    assert words in bugwatch.run("config").sentence


def test_the_example_is_what_the_settings_are() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == env_example(), "bugwatch config --env-example > .env.example"


def test_the_example_names_every_setting_and_sets_nothing() -> None:
    lines = env_example().splitlines()

    assert all(any(line.startswith(f"# BUGWATCH_{name.upper()}=") for line in lines) for name in Config.model_fields)
    assert all(not line or line.startswith("#") for line in lines)
