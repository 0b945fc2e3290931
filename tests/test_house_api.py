"""The Python API: four verbs, lazily imported, whose results render in notebooks."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import iconograph as ic
from catalog.errors import InputError
from catalog.spec import Method
from derive.certificate import Certificate
from iconograph.display import Check

ROOT = Path(__file__).parent.parent


class Balance(HTMLParser):
    """Counts what is opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def well_formed(html: str) -> bool:
    parser = Balance()
    parser.feed(html)
    parser.close()
    return not parser.open and not parser.wrong


def test_the_check_of_html_can_fail() -> None:
    assert well_formed("<table><tr><td>a &lt; b</td></tr></table>")
    assert not well_formed("<table><tr></table>")
    assert not well_formed("<td>a")


def test_load_takes_an_id_an_alias_a_path_and_a_method() -> None:
    loss = ic.load("supcon")
    assert isinstance(loss.method, Method)
    path = ROOT / "catalog" / "methods" / "supcon.toml"
    for named in ("SupConLoss", path, str(path), loss, loss.method):
        assert ic.load(named).id == "supcon"
    assert "supcon" in [each.id for each in ic.methods()]


def test_an_unknown_name_says_which_one_was_meant() -> None:
    with pytest.raises(InputError, match='did you mean "supcon"'):
        ic.load("supcom")
    with pytest.raises(InputError, match='did you mean "torch"'):
        ic.generate("supcon", target="torhc")
    with pytest.raises(AttributeError, match=r"it has .*verify"):
        ic.prove  # noqa: B018


def test_dir_lists_the_verbs() -> None:
    assert set(dir(ic)) >= {"load", "verify", "generate", "check", "methods"}


def test_a_method_renders() -> None:
    bundle = ic.load("supcon")._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/latex", "text/html"}
    assert r"\sum" in bundle["text/latex"] and bundle["text/latex"].count("$$") % 2 == 0
    assert "size(P(i)) &gt; 0" in bundle["text/html"] and well_formed(bundle["text/html"])
    assert bundle["text/plain"] == str(ic.load("supcon"))


def test_every_method_of_the_catalog_renders() -> None:
    for loss in ic.methods():
        bundle = loss._repr_mimebundle_()
        assert well_formed(bundle["text/html"]), loss.id
        assert loss.name in bundle["text/plain"]


def test_a_verdict_renders_and_is_no_truth_value() -> None:
    result = ic.verify("infonce")
    assert (result.ok, result.outcome, result.level) == (True, "proved", "general-N")
    bundle = result._repr_mimebundle_()
    assert well_formed(bundle["text/html"]) and "proved" in bundle["text/plain"]
    with pytest.raises(TypeError, match=r"ask for \.ok"):
        bool(result)


def test_code_is_a_string_and_renders(tmp_path: Path) -> None:
    code = ic.generate("supcon", judge=False)
    assert isinstance(code, str) and "import torch" in code
    bundle = code._repr_mimebundle_()
    assert bundle["text/plain"] == code and well_formed(bundle["text/html"])
    code.save(tmp_path / "a.py")
    code.save(tmp_path / "a.py")
    (tmp_path / "b.py").write_text("mine")
    with pytest.raises(InputError, match="did not write it"):
        code.save(tmp_path / "b.py")


def test_code_says_what_is_known_of_the_claim(tmp_path: Path) -> None:
    text = (ROOT / "catalog" / "methods" / "infonce.toml").read_text()
    assert ic.generate("infonce", judge=False).brief == "not checked"
    (tmp_path / "double.toml").write_text(text.replace('"exact"', '"exact"\nscale = "2"'))
    with pytest.raises(InputError, match=r"\(exact\) is refuted, so no program is written"):
        ic.generate(tmp_path / "double.toml")
    code = ic.generate(tmp_path / "double.toml", unverified=True)
    assert code.brief == "refuted; the file claims exact" and code.brief in code
    code = ic.generate("infonce")
    assert code.brief == "proved, general-N" and ic.verify("infonce").row.hash in code


def test_a_certificate_is_checked_from_its_file(tmp_path: Path) -> None:
    result = ic.verify("infonce")
    (tmp_path / "c.json").write_text(result.row.certificate)
    checked = ic.check(tmp_path / "c.json")
    assert checked.result.hash == result.row.hash
    assert well_formed(checked._repr_mimebundle_()["text/html"])
    assert "infonce" in str(checked)


def checked(name: str, path: Path, method: str = "") -> Check:
    body = json.loads(ic.verify(name).row.certificate)
    del body["hash"]
    body["method"] = method or body["method"]
    path.write_text(Certificate("", body).to_json())
    return ic.check(path)


def test_a_check_shows_the_words_of_the_catalog_and_the_pair(tmp_path: Path) -> None:
    facts = checked("supcon", tmp_path / "c.json").facts()
    said = [value for key, value in facts if key == "hypothesis"]
    assert said[0].startswith("every anchor has a positive: count{") and said[0].endswith("> 0")
    assert said[1:] == ["tau is positive: tau > 0"]
    keys = [key for key, _ in facts]
    for part in ("anchors", "neighbours", "p", "kernel of q", "symbols", "learned"):
        assert keys.count(part) == 1
    assert "each with weight 1/size(n)" in dict(facts)["anchors"]
    assert dict(facts)["neighbours"] == "j in n where [i != j]"
    assert dict(facts)["symbols"] == "tau : real; y[n] : classes; z[n,d] : real"


def test_a_check_of_ones_own_loss_has_no_words_that_nobody_checked(tmp_path: Path) -> None:
    own = checked("supcon", tmp_path / "c.json", "mine")
    said = [value for key, value in own.facts() if key == "hypothesis"]
    assert said[0].startswith("count{") and said[1] == "tau > 0"
    document = own.to_json()
    assert document["words"] == [] and len(document["hypotheses"]) == 2


def test_the_readme_example_works_in_a_fresh_process() -> None:
    code = "import iconograph as ic; print(ic.verify('infonce').level)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "general-N\n"
