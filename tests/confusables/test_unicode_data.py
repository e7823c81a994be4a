"""The generated data: loaded only when needed, and made from Unicode's files by the script."""

import subprocess
import sys
from pathlib import Path

import pytest

from encore.confusables.generate_data import generate

CONFUSABLES = """\ufeff# confusables.txt
0430 ;\t0061 ;\tMA\t# ( a -> a ) CYRILLIC SMALL LETTER A -> LATIN SMALL LETTER A
006D ;\t0072 006E ;\tMA\t# ( m -> rn )
0251 ;\t0061 ;\tMA\t#

"""
PROPERTIES = """# Preparsed UCD
ucd;17.0.0
property;Binary;DI;Default_Ignorable_Code_Point
defaults;0000..10FFFF;gc=Cn;ID_Status=Restricted;ID_Type=Not_Character;sc=Zzzz;scx=<script>
block;0000..007F;gc=Cc;ID_Type=Recommended;sc=Zyyy
cp;0020;gc=Zs
cp;0040;gc=Po;ID_Type=Not_XID
cp;0061;gc=Ll;ID_Status=Allowed;sc=Latn
block;0080..00FF;DI;gc=Ll;ID_Type=Recommended;sc=Latn
unassigned;0081
cp;0082;-DI;ID_Type=Limited_Use Uncommon_Use;scx=Grek Latn
cp;0083;-DI;ID_Type=Technical
"""


def test_data_is_generated_from_the_files_of_unicode(tmp_path: Path) -> None:
    (tmp_path / "confusables.txt").write_text(CONFUSABLES)
    (tmp_path / "ppucd.txt").write_text(PROPERTIES)
    title, prototypes, ranges = generate(tmp_path).split("\n\n")
    assert title.startswith("Unicode 17.0.0; ")
    assert prototypes.splitlines() == ["61;430 251", "72 6E;6D"]
    assert ranges.splitlines() == [
        "0;U;",
        "20;W;",
        "21;U;",
        "40;;",
        "41;U;",
        "61;;Latn",
        "62;U;",
        "80;I;Latn",
        "81;U;",
        "82;;Grek Latn",
        "83;R;Latn",
        "84;I;Latn",
        "100;U;",
    ]


@pytest.mark.processes
def test_data_is_not_loaded_by_importing_the_library() -> None:
    code = """if True:
        import encore.extensions
        from encore.confusables.unicode_data import load_unicode_data
        encore.extensions.validate_name("ada@example.com")
        assert load_unicode_data.cache_info().currsize == 0
        encore.extensions.same_person("ada", "Ada")
        assert load_unicode_data.cache_info().currsize == 1
    """
    subprocess.run([sys.executable, "-c", code], check=True)
