"""What a syntax error says: the parser's state as a sentence about what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lark import UnexpectedInput

SAID = {
    "NAME": "a name", "NUMBER": "a number", "LPAR": "'('", "RPAR": "')'", "LSQB": "'['",
    "RSQB": "']'",
    "VBAR": "'|'", "COMMA": "','", "COLON": "':'", "RBRACE": "'}'", "EQ": "'='", "NEQ": "'!='",
    "IN": "'in'", "RELATION": "'>', '>=', '<' or '<='", "$END": "the end",
}  # fmt: skip
HINTS = {
    "<": "indices have no order: sum over i != j and halve",
    ">": "conditions compare indices with =, != or in",
    "<=": "conditions compare indices with =, != or in",
    ">=": "conditions compare indices with =, != or in",
    "&": "write and",
    "{": "sets in braces stand in [define] only",
    "\\": "write formulas in ASCII, as in docs/format.md, not in LaTeX",
    "_": "names begin with a letter",
    "$": "write formulas in ASCII, as in docs/format.md, not in LaTeX",
}
OPERAND_ENDS = frozenset({"PLUS", "STAR", "SLASH"})


def explain(error: UnexpectedInput, text: str) -> tuple[str, str]:
    """The message and the hint for a text that the grammar refuses."""
    from lark import UnexpectedCharacters

    if isinstance(error, UnexpectedCharacters):
        char = error.char
        hint = HINTS.get(char, "")
        if not char.isascii():
            hint = "names are ASCII: write tau for the Greek letter, - for a minus, != for unequal"
        return f"unexpected character {char!r}", hint
    token = error.token  # type: ignore[attr-defined]
    expected = set(error.accepts or error.expected)  # type: ignore[attr-defined]
    said = sorted({SAID[name] for name in expected if name in SAID})
    if token.type == "$END":
        return "the text ends too early" if text.strip() else "the text is empty", listing(said)
    shown = str(token) if len(token) < 40 else f"{token[:37]}..."
    message = f"unexpected {shown!r}"
    if shown == "=" and text[token.start_pos : token.start_pos + 2] == "==":
        return message, "write a single ="
    if shown == "=" and token.start_pos and text[token.start_pos - 1] == "=":
        return message, "write a single ="
    if shown in HINTS and "RELATION" not in expected:
        return message, HINTS[shown]
    if expected >= OPERAND_ENDS and token.type in (
        "NAME",
        "NUMBER",
        "LPAR",
        "BIG",
        "EXTREME",
        "SIZE",
    ):
        return message, "write * for a product"
    return message, listing(said)


def listing(said: list[str]) -> str:
    """`expected a name or ')'`, or nothing where too much would be possible."""
    if not said or len(said) > 6:
        return ""
    head = ", ".join(said[:-1])
    return f"expected {head} or {said[-1]}" if head else f"expected {said[-1]}"
