"""Settings that a service adds: their types, their names, and what cannot be read."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, create_model

from encore.settings import Settings, SettingsError, Words

ISSUER = "https://example.okta.com/oauth2/default"


class Place(BaseModel):
    name: str
    floors: int = 1


class ShopSettings(Settings):
    tags: list[str] = Field(default_factory=list)
    rates: dict[str, float] | None = None
    place: Place | None = None
    words: Words = ()
    motto: str = ""


def shop(**raw: str) -> ShopSettings:
    return ShopSettings.parse({"ISSUER": ISSUER, **raw})


def test_lists_mappings_and_models_are_read_from_json() -> None:
    settings = shop(
        TAGS='["a b", "c"]',
        RATES='{"EUR": 1.5}',
        PLACE='{"name": "Berlin", "floors": 2}',
        WORDS="a, b",
        MOTTO='["no list"]',
    )
    assert settings.tags == ["a b", "c"]
    assert settings.rates == {"EUR": 1.5}
    assert settings.place == Place(name="Berlin", floors=2)
    assert settings.words == ("a", "b")
    assert settings.motto == '["no list"]'


@pytest.mark.parametrize("text", ["a b", "[a", '{"a": 1}', ""])
def test_text_that_is_no_list_is_rejected(text: str) -> None:
    with pytest.raises(SettingsError) as rejected:
        shop(TAGS=text)
    assert rejected.value.problems == ("TAGS: must be a JSON array",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"currency": Annotated[str, Field(alias="MONEY")]}, "currency: an alias"),
        ({"currency": Annotated[str, Field(validation_alias="MONEY")]}, "currency: an alias"),
        ({"currency": str, "CURRENCY": str}, "CURRENCY: is read from CURRENCY, as currency is"),
    ],
)
def test_names_that_would_be_ignored_are_rejected(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=f"Shop: {message}"):
        create_model("Shop", __base__=Settings, **fields)


def test_prefix_of_pydantic_settings_is_rejected() -> None:
    with pytest.raises(SettingsError, match="Shop: model_config: env_prefix is not supported"):
        type("Shop", (Settings,), {"model_config": {"env_prefix": "SHOP_"}})
