"""Settings of the gate: several issuers, Okta's names for them, and each mistake in one line."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from encore.auth import TrustedIssuer
from encore.auth.principals import ClientMark, Naming
from encore.settings import (
    Settings,
    SettingsError,
    introspection_issuer,
    read_layers,
    trusted_issuers,
)

OKTA = "https://example.okta.com/oauth2/default"
MANY = """
[partner]
issuer = "https://login.partner.example/"
audience = "api://parts"
algorithms = ["RS256", "ES256"]
scope_claims = ["scope", "permissions"]
clock_skew_seconds = 10
user_prefix = "partner:"
jwks_uri = "https://login.partner.example/keys"

[another]
issuer = "https://another.example"
audience = ["x", "y"]
user_claim = "email"
strip_prefix = "a|"
client_ids = ["web"]
client_mark = "idtyp=app"
token_profile = "rfc9068"
max_token_age_seconds = 60

[another.required_claims]
token_use = "access"
[another.users]
"5f" = "ada"
[another.clients]
job = "importer"
"""


def issuers(**given: str) -> tuple[TrustedIssuer, ...]:
    return trusted_issuers(Settings.parse(given))


def test_issuer_is_oktas_by_default() -> None:
    assert issuers(ISSUER=OKTA) == (TrustedIssuer(OKTA, "api://default"),)


def test_issuers_audience_claims_algorithms_and_skew_are_settings() -> None:
    (trusted,) = issuers(
        ISSUER=OKTA,
        AUDIENCE="a",
        SCOPE_CLAIMS="scope, permissions",
        TOKEN_ALGORITHMS="RS256 ES256",
        CLOCK_SKEW_SECONDS="0",
    )
    wanted = TrustedIssuer(OKTA, "a", ("RS256", "ES256"), ("scope", "permissions"), 0)
    assert trusted == wanted


def test_auth0s_names_are_those_of_its_samples() -> None:
    tenant = TrustedIssuer(
        "https://t.eu.auth0.com/", "https://quickstarts/api", scope_claims=("scope", "permissions")
    )
    given = {"AUTH0_DOMAIN": "t.eu.auth0.com", "AUTH0_AUDIENCE": "https://quickstarts/api"}
    assert issuers(ISSUER="", **given) == (tenant,)
    both = issuers(ISSUER=OKTA, AUTH0_STRIP_PREFIX="auth0|", **given)
    stripped = replace(tenant, naming=Naming(strip_prefix="auth0|"))
    assert both == (TrustedIssuer(OKTA, "api://default"), stripped)
    assert issuers(**(given | {"AUTH0_DOMAIN": "https://t.eu.auth0.com/"})) == (tenant,)
    assert issuers(**(given | {"AUTH0_DOMAIN": "localhost:3001"}))[0].issuer == (
        "http://localhost:3001/"
    )


def test_a_file_adds_any_number(tmp_path: Path) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(MANY)
    assert issuers(ISSUER=OKTA, TRUSTED_ISSUERS_FILE=str(path))[1:] == (
        TrustedIssuer(
            "https://login.partner.example/",
            "api://parts",
            ("RS256", "ES256"),
            ("scope", "permissions"),
            10,
            "https://login.partner.example/keys",
            naming=Naming(prefix="partner:"),
        ),
        TrustedIssuer(
            "https://another.example",
            ("x", "y"),
            client_ids=("web",),
            required_claims={"token_use": "access"},
            client_mark=ClientMark("idtyp", "app"),
            profile="rfc9068",
            max_age_seconds=60,
            naming=Naming(
                "email",
                "a|",
                users={"5f": "ada"},
                clients={"job": "importer"},
                reserved=("partner:",),
            ),
        ),
    )
    assert len(issuers(TRUSTED_ISSUERS_FILE=str(path))) == 2


ISSUER_LINES = 'issuer = "https://x.example"\naudience = "x"\n'


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[a", "cannot be read"),
        ("a = 1", "a is outside of a table"),
        ("", "names no issuer"),
        ('[a]\nissuer = "https://x.example"', r"\[a\] lacks audience"),
        (f"[a]\n{ISSUER_LINES}audiense = 1", "unknown key audiense; did you mean audience"),
        (f"[a]\n{ISSUER_LINES}algorithms = 'RS256'", "algorithms has the wrong type"),
        (f"[a]\n{ISSUER_LINES}algorithms = ['HS256']", "algorithms must be some of"),
        (f"[a]\n{ISSUER_LINES}algorithms = [['RS256']]", "TRUSTED_ISSUERS_FILE"),
        (f"[a]\n{ISSUER_LINES}clock_skew_seconds = true", "clock_skew_seconds has the wrong type"),
        (
            f"[a]\n{ISSUER_LINES}clock_skew_seconds = 121",
            "clock_skew_seconds must be from 0 to 120",
        ),
        (f"[a]\n{ISSUER_LINES}jwks_uri = 'http://x'", "jwks_uri must be"),
        (f"[a]\n{ISSUER_LINES}min_rsa_exponent = 1", "min_rsa_exponent must be from 3 to 65537"),
        (f"[a]\n{ISSUER_LINES}min_rsa_exponent = true", "min_rsa_exponent has the wrong type"),
        ('[a]\nissuer = "http://x"\naudience = "x"', "issuer must be an https URL"),
        (f"[a]\n{ISSUER_LINES}[b]\n{ISSUER_LINES}", "trusted twice"),
        (f"[a]\n{ISSUER_LINES}client_mark = 'idtyp'", "client_mark must be one claim=value"),
        (f"[a]\n{ISSUER_LINES}token_profile = 'x'", "token_profile must be one of jwt, rfc9068"),
        (f"[a]\n{ISSUER_LINES}user_claim = ''", "user_claim must not be empty"),
        (f"[a]\n{ISSUER_LINES}user_prefix = '\x01'", "cannot be read"),
        (f'[a]\n{ISSUER_LINES}user_prefix = "\\u0007"', "user_prefix must be"),
        (f"[a]\n{ISSUER_LINES}[a.users]\nx = 1", "users and clients must have names"),
        (f"[a]\n{ISSUER_LINES}[a.required_claims]\nx = 1", "required_claims must be strings"),
        (f"[a]\n{ISSUER_LINES}client_ids = [1]", "client_ids must be strings"),
        (f"[a]\n{ISSUER_LINES}audience = [1]".replace('audience = "x"\n', ""), "audience must"),
        (f"[a]\n{ISSUER_LINES}max_token_age_seconds = -1", "must not be negative"),
        ('[a]\nissuer = "https://x.example"\naudience = []', "audience must not be empty"),
        *(
            (
                f"[a]\n{ISSUER_LINES}user_prefix = '{prefix}'\n[b]\n"
                + ISSUER_LINES.replace("//x", "//y")
                + "user_prefix = 'partner:'",
                "begins with that of another issuer",
            )
            for prefix in ("p", "partner:", "Partner:", "partner:x")
        ),
        (f"[a]\n{ISSUER_LINES}[a.users]", "users must not be empty"),
        (f"[a]\n{ISSUER_LINES}[a.clients]", "clients must not be empty"),
        (f"[a]\n{ISSUER_LINES}scope_claims = ['a..b']", "scope_claims must be names of claims"),
    ],
)
def test_each_mistake_in_the_file_is_one_line(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=text) as refused:
        issuers(TRUSTED_ISSUERS_FILE=str(path))
    assert str(refused.value).startswith("TRUSTED_ISSUERS_FILE: ")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "ISSUER"),
        ({"ISSUER": " "}, "ISSUER"),
        ({"ISSUER": "http://issuer.example"}, "ISSUER"),
        ({"ISSUER": "https://u:p@issuer.example"}, "ISSUER"),
        ({"ISSUER": "https://issuer.example?x"}, "ISSUER"),
        ({"ISSUER": "issuer.example"}, "ISSUER"),
        ({"AUTH0_DOMAIN": "t.auth0.com"}, "AUTH0_AUDIENCE"),
        ({"AUTH0_DOMAIN": "t.auth0.com/x", "AUTH0_AUDIENCE": "x"}, "AUTH0_DOMAIN"),
        ({"AUTH0_DOMAIN": "u@t.auth0.com", "AUTH0_AUDIENCE": "x"}, "AUTH0_DOMAIN"),
        ({"ISSUER": OKTA, "TRUSTED_ISSUERS_FILE": "/nowhere"}, "TRUSTED_ISSUERS_FILE"),
        ({"ISSUER": OKTA, "SCOPE_CLAIMS": " , "}, "SCOPE_CLAIMS"),
        ({"ISSUER": OKTA, "TOKEN_ALGORITHMS": "HS256"}, "TOKEN_ALGORITHMS"),
        ({"ISSUER": OKTA, "TOKEN_ALGORITHMS": ""}, "TOKEN_ALGORITHMS"),
        ({"ISSUER": OKTA, "CLOCK_SKEW_SECONDS": "121"}, "CLOCK_SKEW_SECONDS"),
        ({"ISSUER": OKTA, "CLOCK_SKEW_SECONDS": "-1"}, "CLOCK_SKEW_SECONDS"),
        ({"ISSUER": OKTA, "KEEP_ALIVE_SECONDS": "0"}, "KEEP_ALIVE_SECONDS"),
        ({"ISSUER": OKTA, "KEEP_ALIVE_SECONDS": "3601"}, "KEEP_ALIVE_SECONDS"),
        ({"ISSUER": OKTA, "MAX_CONCURRENT_REQUESTS": "0"}, "MAX_CONCURRENT_REQUESTS"),
        ({"ISSUER": OKTA, "BODY_TIMEOUT_SECONDS": "0"}, "BODY_TIMEOUT_SECONDS"),
        ({"ISSUER": OKTA, "DRAIN_DELAY_SECONDS": "1.5"}, "DRAIN_DELAY_SECONDS"),
        ({"ISSUER": OKTA, "SCOPE": 'a"b'}, "SCOPE"),
        ({"ISSUER": OKTA, "RESOURCE_URL": "http://parts.example"}, "RESOURCE_URL"),
        ({"ISSUER": OKTA, "RESOURCE_URL": 'https://x/"'}, "RESOURCE_URL"),
        ({"ISSUER": OKTA, "REVOKED_TOKENS_FILE": "/nowhere"}, "REVOKED_TOKENS_FILE"),
        ({"ISSUER": OKTA, "INTROSPECTION_URL": "http://x.example"}, "INTROSPECTION_URL"),
        ({"ISSUER": OKTA, "INTROSPECTION_URL": "https://x"}, "INTROSPECTION_CLIENT_ID"),
        ({"ISSUER": OKTA, "INTROSPECTION_ISSUER": OKTA}, "INTROSPECTION_ISSUER"),
        (
            {"ISSUER": OKTA, "INTROSPECTION_AUDIENCE_OPTIONAL": "true"},
            "INTROSPECTION_AUDIENCE_OPTIONAL",
        ),
        (
            {"ISSUER": OKTA, "INTROSPECTION_AUDIENCE_OPTIONAL": "yes"},
            "INTROSPECTION_AUDIENCE_OPTIONAL",
        ),
        (
            {"ISSUER": OKTA, "INTROSPECTION_URL": "https://x", "INTROSPECTION_CLIENT_ID": "x"},
            "INTROSPECTION_CLIENT_SECRET",
        ),
    ],
)
def test_each_setting_that_cannot_be_right_is_named(given: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        issuers(**given)
    assert refused.value.problems[0].startswith(f"{name}: ")
    assert not any("\n" in problem for problem in refused.value.problems)


def test_all_invalid_settings_are_reported_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        issuers(AUTH0_DOMAIN="t.auth0.com", SERVER_PORT="http", LOG_LEVEL="loud")
    names = [problem.partition(":")[0] for problem in refused.value.problems]
    assert names == ["SERVER_PORT", "LOG_LEVEL", "AUTH0_AUDIENCE"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SERVR_PORT", "SERVER_PORT"),
        ("ISUER", "ISSUER"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("SEVRER_PROT", "SERVER_PORT"),
        ("LOGLEVEL", "LOG_LEVEL"),
        ("server_port", "SERVER_PORT"),
        ("CORS_ORIGIN", "CORS_ORIGINS"),
        ("KEEPALIVE_SECONDS", "KEEP_ALIVE_SECONDS"),
    ],
)
def test_misspelt_setting_stops_the_start(tmp_path: Path, name: str, meant: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(tmp_path, {"ISSUER": OKTA, name: "1"})
    assert refused.value.problems == (f"{name}: is not a setting; did you mean {meant}?",)


OTHERS = (
    "CLIENT_SECRET OKTA_OAUTH2_ISSUER SHELL HOME PATH CLIENT_IP CLIENT_CA CLIENT_SECRETS ISSUE"
    " SERVER_CERT SERVER_CRT SERVER_ROOT SERVER_POOL SERVER_NAME SERVICE_PORT SERVICE_HOST"
    " DATABASE_SSL DATABASE_TTL DATABASE_USER AUTH_DOMAIN TF_LOG_LEVEL DD_LOG_LEVEL LOG_LABEL"
)


@pytest.mark.parametrize("name", OTHERS.split())
def test_names_of_other_programs_are_ignored(tmp_path: Path, name: str) -> None:
    assert Settings.load(tmp_path, {"ISSUER": OKTA, name: OKTA}).issuer == OKTA


def test_port_of_a_kubernetes_service_is_ignored(tmp_path: Path) -> None:
    environment = {"ISSUER": OKTA, "SERVE_PORT": "tcp://10.0.0.1:80"}
    assert Settings.load(tmp_path, environment).server_port == 3000


def test_two_settings_for_one_issuer_are_a_mistake() -> None:
    with pytest.raises(SettingsError, match="trusted twice"):
        issuers(ISSUER="https://t.auth0.com/", AUTH0_DOMAIN="t.auth0.com", AUTH0_AUDIENCE="x")


def test_the_introspection_secret_is_not_shown() -> None:
    settings = Settings.parse(
        {
            "ISSUER": OKTA,
            "INTROSPECTION_URL": "https://x",
            "INTROSPECTION_CLIENT_ID": "x",
            "INTROSPECTION_CLIENT_SECRET": "hidden-value",
        }
    )
    assert "hidden-value" not in repr(settings)


class TestLayers:
    OKTA_FILE = (
        'export OKTA_OAUTH2_ISSUER="https://okta.example/oauth2/default"\n'
        'export OKTA_OAUTH2_CLIENT_ID="0oa"\nexport OKTA_OAUTH2_CLIENT_SECRET="s$HOME"\n'
    )

    def read(self, directory: Path, **environ: str) -> dict[str, Any]:
        found = read_layers(directory, environ)
        return {name: found.get(name) for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")}

    def test_the_file_that_oktas_tool_writes_is_over_env(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text("ISSUER=http://localhost:3001/oauth2/default\n")
        (tmp_path / ".okta.env").write_text(self.OKTA_FILE)
        assert self.read(tmp_path) == {
            "ISSUER": "https://okta.example/oauth2/default",
            "CLIENT_ID": "0oa",
            "CLIENT_SECRET": "s$HOME",
        }

    def test_env_local_and_the_environment_are_over_it(self, tmp_path: Path) -> None:
        (tmp_path / ".okta.env").write_text(self.OKTA_FILE)
        (tmp_path / ".env.local").write_text("ISSUER=https://local\n")
        assert self.read(tmp_path)["ISSUER"] == "https://local"
        assert self.read(tmp_path, ISSUER="https://e")["ISSUER"] == "https://e"
        assert self.read(tmp_path, OKTA_OAUTH2_ISSUER="https://o")["ISSUER"] == "https://o"
        both = {"OKTA_OAUTH2_ISSUER": "https://o", "ISSUER": "https://e"}
        assert self.read(tmp_path, **both)["ISSUER"] == "https://e"

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".okta.env").write_bytes(b"X=\xff")
        with pytest.raises(SettingsError, match=r"^\.okta\.env: "):
            read_layers(tmp_path, {})


def test_secret_key_is_optional_and_never_shown() -> None:
    secret = "0123456789abcdef0123456789abcdef"
    assert Settings.parse({"ISSUER": OKTA}).secret_key == ""
    settings = Settings.parse({"ISSUER": OKTA, "SECRET_KEY": f" {secret} "})
    assert settings.secret_key == secret
    assert secret not in repr(settings)


def test_short_secret_key_is_refused_without_being_repeated() -> None:
    with pytest.raises(
        SettingsError, match=r"^SECRET_KEY: must be at least 32 characters"
    ) as error:
        Settings.parse({"ISSUER": OKTA, "SECRET_KEY": "not-so-secret"})
    assert "not-so-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"AUTH0_DOMAIN": "t.auth0.com", "AUTH0_AUDIENCE": "x"}, "AUTH0_USER_PREFIX"),
        ({"TRUSTED_ISSUERS_FILE": "one"}, "user_prefix"),
    ],
)
def test_second_issuer_must_say_how_its_users_are_named(
    tmp_path: Path, given: dict[str, str], name: str
) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(f"[one]\n{ISSUER_LINES}")
    given = {key: str(path) if value == "one" else value for key, value in given.items()}
    assert len(issuers(**given)) == 1
    for text in ("", 'strip_prefix = ""\n'):
        path.write_text(f"[one]\n{ISSUER_LINES}{text}")
        with pytest.raises(SettingsError, match=f"{name} must say what the names of its users"):
            issuers(ISSUER=OKTA, **given)


def test_empty_prefix_of_a_tenant_names_its_users_by_another_claim_than_sub_only() -> None:
    given = {"ISSUER": OKTA, "AUTH0_USER_PREFIX": "", **TENANT}
    assert issuers(**given, USER_CLAIM="email")[1].naming == Naming("email")
    assert issuers(**given, AUTH0_STRIP_PREFIX="auth0|")[1].naming.strip_prefix == "auth0|"
    with pytest.raises(
        SettingsError, match=r"AUTH0_STRIP_PREFIX=auth0\|, or empty with USER_CLAIM"
    ):
        issuers(**given)


OF_ISSUER = {
    "EXTRA_AUDIENCES": "b",
    "TOKEN_CLIENT_IDS": "web",
    "REQUIRED_CLAIMS": "token_use=access",
    "SCOPE_CLAIMS": "roles",
    "TOKEN_ALGORITHMS": "ES256",
}
OF_ISSUER_AND_TENANT = {
    "CLOCK_SKEW_SECONDS": "0",
    "TOKEN_PROFILE": "rfc9068",
    "MAX_TOKEN_AGE_SECONDS": "60",
    "USER_CLAIM": "email",
    "CLIENT_MARK": "idtyp=app",
}
OF_TENANT = {"AUTH0_USER_PREFIX": "a:", "AUTH0_STRIP_PREFIX": "auth0|"}
TENANT = {"AUTH0_DOMAIN": "t.auth0.com", "AUTH0_AUDIENCE": "x"}


@pytest.mark.parametrize(
    ("issuer", "unused", "needed"),
    [
        ({}, OF_ISSUER, "ISSUER"),
        (TENANT, OF_ISSUER, "ISSUER"),
        ({}, OF_ISSUER_AND_TENANT, "ISSUER or AUTH0_DOMAIN"),
        ({}, OF_TENANT, "AUTH0_DOMAIN"),
        ({"ISSUER": OKTA}, OF_TENANT, "AUTH0_DOMAIN"),
    ],
    ids=str,
)
def test_setting_of_an_issuer_that_is_not_named_is_refused(
    tmp_path: Path, issuer: dict[str, str], unused: dict[str, str], needed: str
) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(f'[one]\n{ISSUER_LINES}user_prefix = "one:"')
    given = {"TRUSTED_ISSUERS_FILE": str(path), "AUTH0_USER_PREFIX": "", **issuer}
    assert issuers(**given)
    for name, value in unused.items():
        with pytest.raises(SettingsError, match=f"^{name}: needs {needed};"):
            issuers(**{**given, name: value})


def test_settings_of_issuer_and_tenant_are_those_of_both() -> None:
    naming = {"AUTH0_USER_PREFIX": "a:"}
    for trusted in issuers(ISSUER=OKTA, **TENANT, **naming, **OF_ISSUER_AND_TENANT):
        assert (trusted.clock_skew_seconds, trusted.profile) == (0, "rfc9068")
        assert (trusted.max_age_seconds, trusted.naming.user_claim) == (60, "email")
        assert trusted.client_mark == ClientMark("idtyp", "app")


def test_tokens_of_issuer_are_limited_by_settings() -> None:
    (trusted,) = issuers(
        ISSUER=OKTA,
        AUDIENCE="",
        TOKEN_CLIENT_IDS="web job",
        REQUIRED_CLAIMS="token_use=access",
        CLIENT_MARK="idtyp=app",
        TOKEN_PROFILE="RFC9068",
        MAX_TOKEN_AGE_SECONDS="600",
        USER_CLAIM="email",
    )
    assert trusted == TrustedIssuer(
        OKTA,
        (),
        client_ids=("web", "job"),
        required_claims={"token_use": "access"},
        client_mark=ClientMark("idtyp", "app"),
        profile="rfc9068",
        max_age_seconds=600,
        naming=Naming("email"),
    )
    (trusted,) = issuers(ISSUER=OKTA, AUDIENCE="a b", EXTRA_AUDIENCES="c d")
    assert trusted.audiences == ("a b", "c", "d")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"AUDIENCE": ""}, "AUDIENCE: must not be empty, unless TOKEN_CLIENT_IDS"),
        ({"AUDIENCE": "", "TOKEN_CLIENT_IDS": "a", "EXTRA_AUDIENCES": "b"}, "AUDIENCE: must not"),
        ({"REQUIRED_CLAIMS": "token_use"}, "REQUIRED_CLAIMS: must be claim=value"),
        ({"REQUIRED_CLAIMS": "a=b a=c"}, "REQUIRED_CLAIMS: must name each claim once"),
        ({"CLIENT_MARK": "*"}, "CLIENT_MARK: must be one claim=value"),
        ({"TOKEN_PROFILE": "oidc"}, "TOKEN_PROFILE: must be one of"),
        ({"SCOPE_GRANTS_FILE": "/nowhere"}, "SCOPE_GRANTS_FILE: /nowhere cannot be read"),
    ],
)
def test_invalid_limit_is_rejected(given: dict[str, str], text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        issuers(ISSUER=OKTA, **given)


def grants_file(tmp_path: Path, content: str) -> str:
    path = tmp_path / "grants.toml"
    path.write_text(content)
    return str(path)


def test_scopes_are_granted_by_a_file(tmp_path: Path) -> None:
    path = grants_file(
        tmp_path, f'["{OKTA}".users]\nada = ["a", "b"]\n["{OKTA}".clients]\njob = ["c"]'
    )
    (trusted,) = issuers(ISSUER=OKTA, SCOPE_GRANTS_FILE=path, SCOPE_CLAIMS="")
    assert trusted.user_grants == {"ada": {"a", "b"}}
    assert trusted.client_grants == {"job": {"c"}}


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ('["https://x.example".users]\nada = ["a"]', "https://x.example is not a trusted issuer"),
        (f'"{OKTA}" = 1', "must be a table"),
        (f'["{OKTA}"]\nada = ["a"]', r"has ada; it may have users and clients"),
        (f'["{OKTA}"]\nusers = 1', "users.* must be a table"),
        (f'["{OKTA}".users]\nada = "a"', "ada must be an array of scopes"),
        (f"""["{OKTA}".users]\nada = ['a"b']""", "ada must be an array of scopes"),
    ],
)
def test_each_mistake_in_the_grants_is_one_line(tmp_path: Path, content: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"SCOPE_GRANTS_FILE: .*{text}"):
        issuers(ISSUER=OKTA, SCOPE_GRANTS_FILE=grants_file(tmp_path, content))


class TestIntrospectionIssuer:
    """INTROSPECTION_ISSUER: whose endpoint INTROSPECTION_URL is."""

    BOTH: Final = {
        "ISSUER": OKTA,
        "AUTH0_DOMAIN": "x.auth0.com",
        "AUTH0_AUDIENCE": "parts",
        "AUTH0_USER_PREFIX": "auth0:",
        "INTROSPECTION_URL": "https://x.auth0.com/introspect",
        "INTROSPECTION_CLIENT_ID": "us",
        "INTROSPECTION_CLIENT_SECRET": "secret",
    }

    @staticmethod
    def found(**given: str) -> str:
        settings = Settings.parse(given)
        return introspection_issuer(settings, trusted_issuers(settings)).issuer

    def test_only_trusted_issuer_need_not_be_named(self) -> None:
        assert self.found(ISSUER=OKTA) == OKTA

    @pytest.mark.parametrize("issuer", [OKTA, "https://x.auth0.com/"])
    def test_named_issuer_is_used(self, issuer: str) -> None:
        assert self.found(**self.BOTH, INTROSPECTION_ISSUER=issuer) == issuer

    def test_missing_or_untrusted_issuer_is_rejected(self) -> None:
        with pytest.raises(SettingsError, match="INTROSPECTION_ISSUER: is missing; several"):
            self.found(**self.BOTH)
        with pytest.raises(SettingsError, match="is not among the trusted issuers"):
            self.found(**self.BOTH, INTROSPECTION_ISSUER="https://x.auth0.com")


PARTNER_B = '[b]\nissuer = "https://b.example"\naudience = "x"\nuser_prefix = "p:"'


@pytest.mark.parametrize(
    ("given", "partner", "text"),
    [
        (
            {"AUTH0_DOMAIN": "t.auth0.com", "AUTH0_AUDIENCE": "x", "AUTH0_USER_PREFIX": "p:a:"},
            'user_prefix = "p:"',
            "AUTH0_DOMAIN: the user prefix p:a: begins with",
        ),
        (
            {"SCOPE_CLAIMS": "", "SCOPE_GRANTS_FILE": "grants"},
            'user_prefix = "p:"',
            "ISSUER: .* has no scope claims, so SCOPE_GRANTS_FILE must grant",
        ),
        (
            {"SCOPE_GRANTS_FILE": "grants"},
            'user_prefix = "q:"\nscope_claims = []\n' + PARTNER_B,
            r"TRUSTED_ISSUERS_FILE: \[a\]: .* has no scope claims",
        ),
    ],
)
def test_contradiction_between_issuers_names_the_setting(
    tmp_path: Path, given: dict[str, str], partner: str, text: str
) -> None:
    path = tmp_path / "issuers.toml"
    path.write_text(f"[a]\n{ISSUER_LINES}{partner}")
    other = "https://b.example" if "b.example" in partner else "https://x.example"
    grants = grants_file(tmp_path, f'["{other}".users]\nada = ["a"]')
    settings = {name: grants if value == "grants" else value for name, value in given.items()}
    with pytest.raises(SettingsError, match=text):
        issuers(ISSUER=OKTA, TRUSTED_ISSUERS_FILE=str(path), **settings)
