import pytest

from bugwatch.domain.artifact import clean_debug_id

ID = "6f4e1e80-1f4a-4c5b-9d31-0123456789ab"


@pytest.mark.parametrize(
    "text", [ID, ID.upper(), ID.replace("-", ""), f"  {ID}\n", f"{ID}-0", ID.replace("-", "").upper() + "0"]
)
def test_a_debug_id_has_one_form(text: str) -> None:
    assert clean_debug_id(text) == ID


@pytest.mark.parametrize("text", ["", "?", ID[:-1], "g" * 32, "../" + ID, "\0" + ID])
def test_what_is_no_uuid_is_no_debug_id(text: str) -> None:
    assert clean_debug_id(text) == ""
