"""The page of an entry: its order, its proof, its witness, its program, and the archive."""

from __future__ import annotations

import io
import json
import lzma
import re
import tarfile
from dataclasses import asdict, replace
from html import unescape
from pathlib import Path

import pytest

from catalog import registry
from catalog.errors import InputError
from catalog.implementations import implementations_of
from codegen.emit import emit
from codegen.site.pages import Page
from codegen.site.render import assets, environment, linker, write
from derive.check import check_text
from iconograph.browse import bundle, relatives
from iconograph.browse.entries import Entry
from iconograph.browse.pages import method
from iconograph.browse.restore import restored
from iconograph.browse.world import World
from tests.site_checks import malformed, read

pytestmark = pytest.mark.xdist_group("site")

ORDER = (
    "pair", "formula", "hypotheses", "proof", "witness", "conventions", "relations", "code",
    "real", "plots", "cite", "used",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(few: World) -> dict[str, Page]:
    return {p.path: p for p in method.pages(few) if isinstance(p, Page)}


@pytest.fixture(scope="module")
def shown(made: dict[str, Page]) -> dict[str, str]:
    there = frozenset({*made, "index.html", bundle.ARCHIVE, *(f.path for f in assets())})
    return {path: write(page, [], there) for path, page in made.items()}


def page(shown: dict[str, str], name: str) -> str:
    return shown[f"methods/{name}.html"]


def order(text: str) -> list[str]:
    return [i for i in read(text).ids if i in ORDER]


def test_every_page_has_its_parts_in_the_one_order(shown: dict[str, str]) -> None:
    for text in shown.values():
        assert not malformed(text)
        found = order(text)
        assert found == sorted(found, key=ORDER.index)
    assert order(page(shown, "supcon")) == [p for p in ORDER if p not in ("witness", "used")]
    assert "witness" in order(page(shown, "nerv")) and "proof" not in order(page(shown, "nerv"))
    assert "pair" not in order(page(shown, "jensen"))  # a theorem of no pair
    turned = page(shown, "supcon").replace('id="pair"', 'id="cite"')
    assert order(turned) != sorted(order(turned), key=ORDER.index)


def test_functions_of_libraries_are_listed(shown: dict[str, str]) -> None:
    text = page(shown, "supcon").partition('id="real"')[2].partition("</section>")[0]
    found = implementations_of("supcon")
    assert found and text.count("<li>") == len(found)
    assert all(f">{i.library}</span> {i.version}" in text for i in found)
    assert "real" not in order(page(shown, "jensen"))  # nobody implements a theorem


def test_the_list_at_the_top_names_what_is_there(shown: dict[str, str]) -> None:
    for text in shown.values():
        listed = re.findall(r'<li><a href="#(\w+)">', text.partition("</header>\n\n")[0])
        assert set(listed) <= set(read(text).ids)
        assert {"formula", "cite"} <= set(listed)


def test_a_proof_is_shown_with_its_last_steps_counted(few: World, shown: dict[str, str]) -> None:
    for name in ("supcon", "triplet-supcon-limit"):
        known, text = few.entries[name], page(shown, name)
        found = re.search(r'<ol class="steps" start="(\d+)">(.*?)</ol>', text, re.S)
        assert found is not None
        assert int(found[1]) + found[2].count("<li>") - 1 == len(known.steps)
        assert known.row.hash in text
    # in which rule the last step was made, as the certificate says
    last = few.entries["supcon"].steps[-1]
    assert f"{last.axiom or last.rule} of {', '.join(map(str, last.uses))}" in "".join(
        read(page(shown, "supcon")).text
    )


def unsaid(tutorial: str, few: World, shown: dict[str, str]) -> list[str]:
    """What pages have of a proof and of files, and the tutorial does not say."""
    facts = ["`iconograph show supcon --proof` prints every step", f"`{bundle.ARCHIVE}`"]
    for name, words in (("supcon", "or {} below a chain"), ("triplet-supcon-limit", "last {} st")):
        assert bool(few.entries[name].chain) == ("chain" in words)
        listed = re.search(r'<ol class="steps".*?</ol>', page(shown, name), re.S)
        assert listed is not None
        facts.append(words.format(listed[0].count("<li>")))
    return [fact for fact in facts if fact not in " ".join(tutorial.split())]


def test_the_tutorial_says_what_is_on_a_page(few: World, shown: dict[str, str]) -> None:
    tutorial = (Path(__file__).parents[1] / "docs/tutorials/browse.md").read_text()
    assert not unsaid(tutorial, few, shown)
    assert unsaid(tutorial.replace("8 steps", "9 steps"), few, shown) == ["last 8 st"]


def test_a_chain_names_laws_that_exist(few: World) -> None:
    found = method.proof(few.entries["supcon"])
    assert found is not None and len(found.chain) == 5
    laws = dict(law for _, line in found.chain for law in line)
    assert laws["log exp x = x"] == "rules.html#axiom-log_exp"
    assert laws["by cases of an indicator"] == "rules.html#rule-cases"
    assert method.place("every anchor has a positive") == ""  # a hypothesis is no rule


def test_a_witness_is_shown_with_both_values(few: World, shown: dict[str, str]) -> None:
    data = few.entries["nerv"].row.detail["witness"]
    text = "".join(read(page(shown, "nerv")).text)
    for value in (*data["published"], *data["other"]):
        assert value.partition(" ")[0].strip("[") in text
    assert f"{data['published'][0].partition(' ')[0].strip('[')}0" not in text


def test_the_program_on_the_page_is_the_program(few: World, shown: dict[str, str]) -> None:
    known = few.entries["t-sne"]
    found = re.findall(r'<pre tabindex="0"><code>(.*?)</code></pre>', page(shown, "t-sne"), re.S)
    assert unescape(found[0]) == known.programs["torch"]
    assert known.programs["torch"] == emit(
        few.methods["t-sne"], "torch", verdict=known.row.brief, certificate_hash=known.row.hash
    )
    assert unescape(found[0].replace("<", "&lt;", 1)) == known.programs["torch"]
    assert unescape(found[0].replace("tau", "rho").replace("sqdist", "dist")) != unescape(found[0])


def test_markup_in_a_program_is_text() -> None:
    filters = environment().filters
    assert filters["program"]('a < b & c > "d"') == 'a &lt; b &amp; c > "d"'
    assert malformed(f"<!doctype html>{filters['program']('</code><script>')}") == []
    assert malformed("<!doctype html></code>")


def test_a_link_to_nowhere_is_text(made: dict[str, Page]) -> None:
    here = made["methods/supcon.html"]
    assert linker(here, frozenset({"index.html"}))("index.html#x") == "../index.html#x"


# ---------------------------------------------------------------------- relations


def test_relations_name_the_other_entry_and_what_is_known(few: World) -> None:
    edges = relatives.around(few)
    groups = relatives.groups(few, "supcon", edges["supcon"])
    found = {r.other.id: r for g in groups for r in g.relatives}
    assert "simclr" in found and "supcon" not in found
    assert found["simclr"].sentence == "n * simclr is supcon with z[i] := z[i]/|z[i]|, where " + (
        "the views of a class are those of one image and every view is the other view of one"
    )
    claimed = replace(next(e for e in edges["supcon"] if e.name), status="refuted")
    assert relatives.relative(few, "supcon", claimed).words == "refuted"
    near = relatives.kin(few, "supcon", edges["supcon"])
    assert [k.title for k in near] == ["Differ in q only"]
    assert [b.id for b in near[0].entries] == ["triplet-supcon-limit"]


# ---------------------------------------------------------------------- what is kept and carried


def test_an_entry_comes_back_from_json_as_it_was(few: World) -> None:
    for known in few.entries.values():
        assert restored(Entry, json.loads(json.dumps(asdict(known)))) == known
    data = asdict(few.entries["supcon"])
    with pytest.raises(KeyError):
        restored(Entry, {k: v for k, v in data.items() if k != "steps"})


def test_certificates_in_the_archive_replay(few: World) -> None:
    data = bundle.archive(few, registry.bibliography("khosla2020supervised")).data
    assert data == bundle.archive(few, registry.bibliography("khosla2020supervised")).data
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(data))) as tar:
        texts = {m.name: tar.extractfile(m).read().decode() for m in tar}  # type: ignore[union-attr]
        assert {m.mtime for m in tar} == {0}
    text = texts["iconograph/certificates/supcon.json"]
    assert check_text(text, "supcon").hash == few.entries["supcon"].row.hash
    with pytest.raises(InputError):
        check_text(text.replace('"lincomb"', '"cong"', 1), "supcon")
    known = few.entries["t-sne"]
    assert texts["iconograph/programs/numpy/t_sne_numpy.py"] == known.programs["numpy"]
    assert bundle.words(known) == "the entry, its certificate, torch, numpy and triton"
    assert bundle.words(few.entries["nerv"]) == "the entry"
    assert texts["iconograph/entries/nerv.toml"] == few.methods["nerv"].text
