from __future__ import annotations

import os
import time
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.errors import InputError
from catalog.files import MAX_BYTES, read_toml
from catalog.load import load_dict, load_file, load_text
from catalog.locate import locate, offsets_fit, string_place
from catalog.naming import same
from catalog.notation import to_text
from catalog.registry import methods_dir
from catalog.symbols import Add, IApp, IndexSet, IVar, Mask, Num, Sym

SUPCON = '''\
id = "supcon"
name = "Supervised contrastive learning, L_out"
field = "supervised"
year = 2020
cite = "khosla2020supervised"
aliases = ["SupConLoss"]

[sets]
n = "i j k l m"

[learned]
z = "vector[i]"
[given]
y = "label[i]"
tau = "positive"

[define]
"P(i)" = "{ j : j != i and y[j] = y[i] }"

[assumes]
"every anchor has a positive" = "size(P(i)) > 0"

[p]
kernel = "same-label"
labels = "y"
[q]
kernel = "dot"
embedding = "z"
temperature = "tau"

[published]
formula = """
sum[i] -1/size(P(i)) *
  sum[j in P(i)] log(exp(z[i].z[j]/tau) / sum[k != i] exp(z[i].z[k]/tau))"""
source = "Eq. 2"
verified = true

[claim]
relation = "exact"
scale = "n"
constant = "sum[i] log(size(P(i)))"

[conventions]
reduction = "sum over anchors"
'''
SNE = """\
id = "sne"
name = "SNE"
field = "embedding"
year = 2002
cite = "hinton2002stochastic"
[learned]
y = "vector(m)[i]"
[given]
x = "vector[i]"
sigma = "positive[i]"
[sets]
n = "i j k l"
[p]
kernel = "gaussian"
points = "x"
bandwidth = "sigma"
[q]
kernel = "gaussian"
embedding = "y"
[published]
formula = 'sum[i] sum[j != i] p(i,j) * log(p(i,j) / 2)'
[claim]
relation = "exact"
scale = "n"
""".replace("p(i,j) * log(p(i,j) / 2)", "x[i].x[j]")


def change(old, new, text=SUPCON):
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


# ------------------------------------------------------------------ what a file becomes


def test_a_file_becomes_a_method():
    m = load_text(SUPCON, "supcon.toml")
    n, classes = IndexSet("n"), IndexSet("classes")
    assert (m.id, m.year, m.aliases, m.path) == ("supcon", 2020, ("SupConLoss",), "supcon.toml")
    assert m.sets == {"n": n, "classes": classes} and m.text == SUPCON
    i = IVar("i", n)
    assert m.declarations["z"].form == Sym("z", (i,), "vector", IndexSet("d"), True)
    assert m.declarations["y"].form == IApp("y", (i,), classes) and not m.declarations["y"].learned
    assert [fact.text for fact in m.assumes] == ["every anchor has a positive"]
    assert m.icon.normalise == "row" and to_text(m.icon.blocks[0].weight) == "1/n"
    assert (m.claim.relation, m.claim.scale_text, to_text(m.claim.constant)) == (
        "exact",
        "n",
        "sum[i] log(size(P(i)))",
    )
    assert m.source.verified and m.source.where == "Eq. 2"
    assert m.conventions == {"reduction": "sum over anchors"}


def test_every_type_has_its_form():
    types = {
        "a": ("real", Sym("a")),
        "b": ("nonnegative[i,j]", None),
        "c": ("probability", None),
        "e": ("distribution[i,j]", None),
        "f": ("vector(m)[i]", None),
        "g": ("index[i] in n", None),
        "h": ("mask[i,j]", None),
        "u": ("label[i] in side", None),
    }
    sets = '[sets]\nn = "i j k l m"\nside = { letters = "t", elements = ["one", "two"] }'
    given = "[given]\n" + "\n".join(f'{name} = "{kind}"' for name, (kind, _) in types.items())
    text = change("[given]", given).replace('[sets]\nn = "i j k l m"', sets)
    found = load_text(text).declarations
    assert found["a"].form == Sym("a")
    assert [found[k].form.kind for k in "bce"] == ["nonnegative", "probability", "distribution"]
    assert found["f"].form.dim == IndexSet("m") and found["g"].form.set == IndexSet("n")
    assert isinstance(found["h"].form, Mask) and found["u"].form.set.elements == ("one", "two")


def test_the_published_formula_may_be_left_out_of_a_definition():
    text = SUPCON.split("[published]")[0] + '[claim]\nrelation = "definition"\n'
    m = load_text(text)
    assert to_text(m.published).startswith("sum[i] 1/n*sum[j != i] [j != i and y[j] = y[i]]/size")
    assert m.published_text == "" and m.claim.scale == Num(1)


def test_the_entropy_and_p_may_stand_in_the_claim():
    m = load_text(
        change('"sum[i] log(size(P(i)))"', '"H(p) + sum[i] sum[j != i] p(i,j)*log(p(i,j))"')
    )
    assert isinstance(m.claim.constant, Add)
    assert to_text(m.claim.constant) == "H(p) + sum[i] sum[j != i] p(i,j)*log(p(i,j))"
    entropy, rest = m.claim.constant.args
    assert to_text(entropy.body).startswith("sum[i] 1/n*sum[j != i] -([j != i and y[j] = y[i]]")
    body = rest.body.body.args[0].body
    assert to_text(body) == "[j != i and y[j] = y[i]]/size[j2 != i : y[j2] = y[i]]"


def test_floats_are_exact_and_numbers_may_stand_for_formulas():
    m = load_text(change('temperature = "tau"', "temperature = 0.1\nbias = 2"))
    assert m.icon.q.params["temperature"] == Num(Fraction(1, 10))
    assert to_text(m.icon.q.log_kernel) == "score/(1/10) + 2"


def test_a_document_needs_no_text():
    doc = read_toml(SUPCON, "x")
    assert same(load_dict(doc).published, load_text(SUPCON).published)


def test_the_documented_file_loads():
    page = (Path(__file__).parent.parent / "docs" / "format.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    assert same(load_text(example).published, load_text(SUPCON).published)


@pytest.mark.parametrize("path", sorted(methods_dir().glob("*.toml")), ids=lambda p: p.stem)
def test_every_file_of_the_catalog_loads(path):
    start = time.process_time()
    method = load_file(path)
    assert method.id == path.stem
    assert time.process_time() - start < 0.5  # typically 5 ms


# ------------------------------------------------------------------ errors, with their places

ERRORS = [
    (
        'id = "supcon"',
        'id = "Sup con"',
        "1:6: id = 'Sup con' is no name; lower case letters, digits and hyphens",
    ),
    ('id = "supcon"\n', "", "supcon.toml: id is missing; see docs/format.md"),
    ("year = 2020", 'year = "2020"', "4:8: year must be a whole number"),
    ("year = 2020", "year = 20200", "4:8: year: input should be less than or equal to 2100"),
    (
        'field = "supervised"',
        'field = "superwised"',
        "3:9: field cannot be 'superwised'; did you mean \"supervised\"?",
    ),
    (
        'field = "supervised"',
        'field = "x"',
        "3:9: field cannot be 'x'; one of: supervised, self-supervised, embedding, clustering",
    ),
    ("aliases =", "alias =", "6:1: unknown key 'alias'; did you mean \"aliases\"?"),
    ("[learned]", "[lerned]", "11:2: unknown key 'lerned'; did you mean \"learned\"?"),
    ("verified = true", 'verified = "yes"', "36:12: [published] verified must be true or false"),
    ("source =", "sauce =", "35:1: unknown key 'sauce' in [published]; did you mean \"source\"?"),
    (
        'relation = "exact"',
        'relation = "equal"',
        "39:12: [claim] relation cannot be 'equal'; one of: exact, reverse, limit",
    ),
    ('relation = "exact"\n', "", "38:2: [claim] needs relation; see docs/format.md"),
    (
        '[p]\nkernel = "same-label"\nlabels = "y"\n',
        "",
        "the table [p] is missing; see docs/format.md",
    ),
    ('kernel = "dot"\n', "", "26:2: [q] needs kernel; see docs/format.md"),
    ('kernel = "dot"', 'kernel = "dto"', "27:11: unknown kernel 'dto'; did you mean \"dot\"?"),
    (
        'embedding = "z"\n',
        "",
        "26:2: the kernel 'dot' needs embedding: the learned vector of the anchor",
    ),
    (
        'embedding = "z"',
        'embeding = "z"',
        "28:1: the kernel 'dot' has no parameter 'embeding'; did you mean \"embedding\"?",
    ),
    ('embedding = "z"', 'embedding = "zz"', "28:14: unknown name 'zz'"),
    ('temperature = "tau"', 'temperature = "2*z"', "29:18: 'z' takes 1 index, not 0; write z[i]"),
    ('"vector[i]"', '"vektor[i]"', "12:6: unknown type 'vektor'; did you mean \"vector\"?"),
    (
        '"vector[i]"',
        '"vector[q]"',
        "12:6: 'q' is not a letter of an index set; letters: i, j, k, l, m",
    ),
    ('"vector[i]"', '"vector[i"', "12:14: the text ends too early"),
    ('"vector[i]"', '"real(m)[i]"', "12:6: only a vector has a dimension, not 'real'"),
    ('"label[i]"', '"label[i] in D"', "14:6: unknown set 'D'; declare it in [sets]"),
    (
        '"label[i]"',
        '"index[i]"',
        "14:6: an index-valued function needs its set; write index[i] in n",
    ),
    (
        '"label[i]"',
        '"mask[i,i]"',
        "14:6: a letter stands twice; use another letter of the same set",
    ),
    ('z = "vector[i]"', 'z = "label[i]"', "12:6: a label cannot be learned; move it to [given]"),
    ("tau =", "z =", "15:1: 'z' is a declared symbol already; choose another name"),
    ("tau =", "k =", "15:1: 'k' is both a letter of n and a declared symbol; choose another name"),
    ("tau =", "log =", "15:1: 'log' is a word of the formula language; choose another name"),
    ("tau =", '"t au" =', "15:2: 't au' is no name; a letter, then letters, digits or underscores"),
    ('n = "i j k l m"', 'n = "i j k k"', "9:5: 'k' is a letter of n already; choose another name"),
    ('"P(i)" =', '"P(q)" =', "18:4: 'q' is not a letter of an index set; letters: i, j, k, l, m"),
    ('"P(i)" =', '"P(i" =', "18:5: the text ends too early; expected ')' or ','"),
    ("y[j] = y[i] }", "y[j] = y[q] }", "18:37: unknown name 'q'"),
    ("size(P(i)) > 0", "size(P(i)) >", "21:46: the text ends too early"),
    ("/ sum[k != i]", "/ som[k != i]", "34:49: unexpected '!='; expected ',' or ']'"),
    ("exp(z[i].z[k]/tau))", "exp(z[i].z[k]/tow))", "34:69: unknown name 'tow'"),
    ('scale = "n"', 'scale = "z[i]"', "40:12: unbound index 'i'; indices bound here: none"),
    (
        'scale = "n"',
        'scale = "sum[i] |z[i]|"',
        "40:10: the scale mentions the learned symbol z; scale and constant must be fixed",
    ),
    (
        '"sum[i] log(size(P(i)))"',
        '"sum[i] z[i].z[i]"',
        "41:13: the constant mentions the learned symbol z; scale and constant must be fixed",
    ),
    ("[sets]", "[sets", "this is not TOML: expected ']' at the end of a table declaration"),
    ("year = 2020", "year = ", "4:8: this is not TOML: invalid value"),
]


@pytest.mark.parametrize(("old", "new", "expected"), ERRORS)
def test_an_error_points_at_its_line_and_column(old, new, expected):
    with pytest.raises(InputError) as caught:
        load_text(change(old, new), "supcon.toml")
    said = str(caught.value).split("\n")[0]
    assert said.startswith("supcon.toml") and expected in said, said


def test_the_caret_stands_in_the_file():
    with pytest.raises(InputError) as caught:
        load_text(change("/tau) / sum", "/tua) / sum"), "supcon.toml")
    assert str(caught.value) == (
        "supcon.toml:34:36: unknown name 'tua'; did you mean \"tau\"?\n"
        '    sum[j in P(i)] log(exp(z[i].z[j]/tua) / sum[k != i] exp(z[i].z[k]/tau))"""\n'
        "                                     ^"
    )


def test_escapes_and_folded_lines_do_not_move_the_caret():
    text = change('scale = "n"', 'scale = "\\u006e + \\\\ oops"')
    with pytest.raises(InputError) as caught:
        load_text(text)
    assert text.split("\n")[39][caught.value.column - 1 :].startswith("\\\\ oops")
    folded = change("size(P(i)) *\n", "size(P(i)) \\\n    *").replace("[k]/tau))", "[k]/tow))")
    with pytest.raises(InputError) as caught:
        load_text(folded)
    assert caught.value.source_line[caught.value.column - 1 :].startswith("tow")


def test_windows_line_ends_are_read():
    assert same(load_text(SUPCON.replace("\n", "\r\n")).published, load_text(SUPCON).published)
    with pytest.raises(InputError) as caught:
        load_text(change("/tau) / sum", "/tua) / sum").replace("\n", "\r\n"))
    assert (caught.value.line, caught.value.column) == (34, 36)


def test_a_learned_p_is_refused():
    with pytest.raises(
        InputError, match="p mentions the learned symbol z; p must be fixed"
    ) as caught:
        load_text(change('kernel = "same-label"\nlabels = "y"', 'formula = "z[i].z[j]"'))
    assert caught.value.line == 23


# ------------------------------------------------------------------ files that are none


def test_files_that_cannot_be_read(tmp_path):
    def said(path):
        with pytest.raises(InputError) as caught:
            load_file(path)
        return str(caught.value).replace(str(tmp_path), "T")

    assert said(tmp_path / "no.toml") == "T/no.toml: there is no such file"
    assert said(tmp_path) == "T: this is a directory; name a .toml file in it"
    binary = tmp_path / "b.toml"
    binary.write_bytes(b"id = 1\nname = '\xff\xfe'\n")
    assert said(binary) == "T/b.toml:2: this is not UTF-8 text; save the file as UTF-8"
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    assert said(fifo) == "T/fifo: this is not a regular file; name a .toml file"
    large = tmp_path / "large.toml"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    start = time.perf_counter()
    assert said(large) == "T/large.toml: the file is larger than 1 MB"
    assert time.perf_counter() - start < 0.5
    assert "null" in said("a\0b")
    empty = tmp_path / "empty.toml"
    empty.write_text("")
    assert said(empty).startswith("T/empty.toml: id is missing")


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "supcon.toml"
    path.write_bytes(b"\xef\xbb\xbf" + SUPCON.encode())
    assert load_file(path).id == "supcon"


HOSTILE = [
    "id = " + "[" * 100_000,
    "id = " + "9" * 5000,
    "x = 1e999999999999",
    "a.b.c.d.e = 1",
    "[[p]]\n[[p]]",
    "id = '''\n",
    "[" * 1000,
    '"\\ud800" = 1',
    "id = nan",
    "p = 1\n[p]",
    "\x00",
    "= 1",
    "[a]\n[a]",
    "a = {b = 1, b = 2}",
    "x = 1\n" * 2,
    "k = " + "{a = " * 2000 + "1" + "}" * 2000,
    "#" + "x" * 900_000,
    "a = 2020-01-01",
    "[p]\nq.r.s = 1",
    "\n".join(f"a{k} = 1" for k in range(20_000)),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda t: t[:20].replace("\x00", "0"))
def test_hostile_toml_is_one_sentence(text):
    start = time.process_time()
    with pytest.raises(InputError) as caught:
        load_text(text)
    assert "\n" not in caught.value.message and len(str(caught.value)) < 1000
    assert time.process_time() - start < 5


def lines(table, count):
    return f"[{table}]\n" + "\n".join(f'"x{k}" = "m8 + m8 > 0"' for k in range(count))


def test_a_table_of_many_lines_is_refused():
    with pytest.raises(InputError, match=r"\[conventions\] has more than 200 lines"):
        load_text(change("[conventions]\n", lines("conventions", 201) + "\n"))


def test_hypotheses_that_expand_are_read_in_bounded_time():
    doubling = '"m0" = "tau + tau"\n' + "".join(
        f'"m{k}" = "m{k - 1} + m{k - 1}"\n' for k in range(1, 9)
    )
    text = change("[define]\n", f"[define]\n{doubling}")
    text = change("[assumes]\n", lines("assumes", 190) + "\n", text)
    start = time.process_time()
    load_text(text)
    assert time.process_time() - start < 20


def test_a_text_over_the_limit_is_refused():
    with pytest.raises(InputError, match="larger than 1 MB"):
        load_text("#" * (MAX_BYTES + 1))


# ------------------------------------------------------------------ where things stand


def test_the_scanner_agrees_with_tomllib():
    for path in methods_dir().glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        spots = locate(text)
        for table, entries in read_toml(text, str(path)).items():
            for key, value in entries.items() if isinstance(entries, dict) else ():
                spot = spots[(table, key)]
                assert text[spot.key :].lstrip('"').startswith(key)
                if isinstance(value, str):
                    place = string_place(text, spot.value, "")
                    assert offsets_fit(place, value)
                    assert (
                        "".join(text[k] for k in place.offsets[:-1]).replace("\\", "")
                        in value + "\\"
                    )


def test_the_scanner_reads_every_kind_of_key_and_string():
    text = (
        "# a = 1\na = 'x\\'\n[ t . \"u v\" ]\nb.c = '''\nq'r''s''''\n"
        '"k#" = [1, # c\n \'[\', "]"]\n'
        "d = {e = 'f', g = [1]} # h = 2\ni = 5\n"
    )
    spots = locate(text)
    assert set(spots) == {
        ("a",),
        ("t", "u v"),
        *(("t", "u v", *k) for k in (("b", "c"), ("k#",), ("d",), ("i",))),
    }
    place = string_place(text, spots[("t", "u v", "b", "c")].value, "")
    value = read_toml(text, "")["t"]["u v"]["b"]["c"]
    assert "".join(text[k] for k in place.offsets[:-1]) == value == "q'r''s'"


# ------------------------------------------------------------------ fuzzing

PIECES = [
    "",
    "=",
    "[",
    "]",
    '"',
    "'",
    '"""',
    "\n",
    "#",
    "{",
    "}",
    ".",
    "z",
    "[p]",
    "kernel",
    "one-hot",
    "0",
    "1e9",
    "true",
    "\\",
    "\\u0041",
    "é",
    "sum[i]",
    "tau",
    " : ",
    "learned",
    "-",
    "P(i)",
    "\t",
    "\r",
    "classes",
    "n",
]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from([SUPCON, SNE]), st.data())
def test_mutated_files_load_or_give_one_input_error(text, data):
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + data.draw(st.sampled_from(PIECES))
            + text[at + data.draw(st.integers(0, 6)) :]
        )
    try:
        load_text(text)
    except InputError as error:
        assert error.line <= text.count("\n") + 1 and str(error)


VALUES = st.recursive(
    st.one_of(
        st.text(max_size=5),
        st.integers(),
        st.booleans(),
        st.floats(),
        st.none(),
        st.sampled_from(["z[i]", "n", "i j", "dot", "vector[i]", "exact", "tau"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_document_gives_a_method_or_an_input_error(data):
    doc = read_toml(SUPCON, "x")
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from(sorted(doc)))
        inner = doc[table]
        if isinstance(inner, dict) and inner and data.draw(st.booleans()):
            key = data.draw(st.sampled_from(sorted(inner)) | st.text(max_size=4))
            doc[table] = {**inner, key: data.draw(VALUES)}
        else:
            doc[table] = data.draw(VALUES)
    try:
        load_dict(doc)
    except InputError as error:
        assert str(error).startswith("<dict>")
