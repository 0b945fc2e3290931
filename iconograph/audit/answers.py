"""What torch code answers when it is asked: value, rows, gradient, second derivatives.

This file imports torch (when it is used), the standard library and the file beside it, and nothing
else of this project: the child process reads it by its path, perhaps with another interpreter
(iconograph/audit/child.py). Requests and answers are plain data, so that they travel as JSON.
"""

from __future__ import annotations

import copy
import inspect
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .loading import Failed, parameters, theirs, without

STEP = 1e-5  # of central differences, relative to entries above 1: errors near 1e-10
LINE = 1e-3  # of the step by which second derivatives are checked, where single precision shows too
FOLLOWS = 1e-2  # relative; a backward that torch does not see through is off by far more
TINY = 1e-9  # of second derivatives that are zero


class Code:
    """A callable with its options, ready to be asked.

    `what` says what it is; `parameters` are those of the call that no option is given for, as
    `parameters` gives them. Inputs have `dtype`, and so has a module.
    """

    def __init__(
        self,
        target: Any,
        given: Mapping[str, Any],
        *,
        fill: Mapping[str, Any] | None = None,
        result: str | None = None,
        dtype: str = "float64",
    ) -> None:
        import torch

        self.torch = torch
        self.dtype = getattr(torch, dtype)
        self.result = result
        self.notes: dict[str, None] = {}  # in order, each once
        self.differences = False
        left = dict(given)
        self.numbers = [v for v in given.values() if type(v) is int and v > 1]
        self.what = "a function"
        if inspect.isclass(target) and issubclass(target, torch.autograd.Function):
            function: Any = target
            target, self.what = function.apply, "an autograd function"
        elif inspect.isclass(target):
            target, self.what = self._made(target, left, fill or {}), f"class {target.__name__}"
        if not callable(target):
            raise Failed(f"it is {_kind(target)}, which cannot be called", "usage")
        self.object = target
        self.module = isinstance(target, torch.nn.Module)
        if self.module:
            # a copy, so that the module of a person who calls this from Python keeps its type
            self.object = (self._copy(target) or target).to(self.dtype)
            mode = "training" if target.training else "evaluation"
            self.note(f"an nn.Module in {mode} mode")
            if count := sum(p.numel() for p in target.parameters()):
                self.note(f"its own parameters ({count} numbers) are held as they were initialised")
        self.parameters = parameters(target.forward if self.module else target)
        for name, value in (fill or {}).items():
            if name not in left and self._takes(self.parameters, name, named=True):
                left[name] = value
        for name in left:
            if not self._takes(self.parameters, name):
                known = ", ".join(p["name"] for p in self.parameters or ())
                raise Failed(f"it has no option {name!r}; it takes {known}", "usage")
        self.options = left
        self.parameters = without(self.parameters, left)

    def note(self, text: str) -> None:
        """Remember something worth saying, once."""
        self.notes.setdefault(text)

    @staticmethod
    def _takes(known: list[dict[str, Any]] | None, name: str, *, named: bool = False) -> bool:
        if known is None:
            return not named
        if any(p["name"] == name and p["way"] in ("position", "keyword") for p in known):
            return True
        return not named and any(p["way"] == "others" for p in known)

    def _made(self, target: Any, left: dict[str, Any], fill: Mapping[str, Any]) -> Any:
        """An instance; the options that its constructor takes leave `left`."""
        known = parameters(target)
        forward = parameters(getattr(target, "forward", None) or target.__call__)
        for name, value in fill.items():
            if name not in left and self._takes(known, name, named=True):
                left[name] = value
        # what both could take by ** goes to the constructor, unless the call names it
        mine = [
            n for n in left
            if self._takes(known, n) and (
                self._takes(known, n, named=True) or not self._takes(forward, n, named=True))
        ]  # fmt: skip
        missing = [
            p["name"] for p in known or ()
            if p["default"] is None and p["way"] in ("position", "keyword")
            and p["name"] not in left
        ]  # fmt: skip
        if missing:
            say = " ".join(f"--with '{n}=...'" for n in missing)
            raise Failed(f"{target.__name__} needs {', '.join(missing)}: give {say}", "usage")
        with theirs(f"{target.__name__}() raised"):
            return target(**{n: left.pop(n) for n in mine})

    # ------------------------------------------------------------------ asking

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Value, rows and gradient, as plain data.

        `request` has "arguments", a list of name, keyword (None by position), kind, shape and data
        (flat); "gradient"; "seed". With "again" it is asked `again` times without a fresh copy, and
        the values are in "values".
        """
        learned, args, kwargs = self._arguments(request["arguments"])
        subject = self._fresh(request.get("seed", 0))
        values = []
        for _ in range(request.get("again", 0)):
            seed(request.get("seed", 0))
            values.append(float(self._value(subject, args(), kwargs())[0].detach()))
        if values:
            return {"values": values, "notes": list(self.notes)}
        passed, named = args(), kwargs()
        before = [x.detach().clone() for x in (*passed, *named.values())]
        value, rows = self._value(subject, passed, named)
        for item, x, old in zip(
            request["arguments"], (*passed, *named.values()), before, strict=True
        ):
            if not self.torch.equal(x.detach(), old):
                self.note(f"it changes its input {item['name']} in place")
        found: dict[str, Any] = {"value": float(value.detach()), "rows": None, "gradient": {}}
        if rows is not None:
            found["rows"] = sent(rows.detach().double())
        if request.get("gradient", True):
            grads = self._gradient(value, learned)
            found["gradient"] = {n: sent(g.detach()) for n, g in grads.items()}
        return {**found, "notes": list(self.notes)}

    def hessian(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The derivatives of the gradient by the entries of the slot request["by"], [k, k].

        Row i, column j: of entry i of the gradient by entry j. By differentiating twice, where that
        agrees with the gradient itself along one line; otherwise by its central differences. The
        two differ where torch cannot see through a backward that somebody wrote.
        """
        by = request["by"]
        if not self.differences:
            found = None
            try:
                found = self._twice(request, by)
            except (RuntimeError, Failed):
                self.ask(request)  # where the gradient fails too, that is what is wrong
            if found is not None and self._follows(found, request, by):
                return {"hessian": sent(found), "notes": list(self.notes)}
            self.differences = True
            self.note("its second derivatives are central differences of its gradient")
        return {"hessian": sent(self._differences(request, by)), "notes": list(self.notes)}

    def _follows(self, found: Any, request: Mapping[str, Any], by: str) -> bool:
        """Whether second derivatives are those of the gradient along one line."""
        size = found.shape[0]
        line = self.torch.linspace(-1, 1, size, dtype=self.torch.float64).mul(7).sin()
        slope = self._slope(request, by, (LINE * line).tolist()) / LINE
        want = found.double() @ line
        return bool((slope - want).norm() <= FOLLOWS * (slope.norm() + want.norm()) + TINY)

    def _slope(self, request: Mapping[str, Any], by: str, step: Sequence[float]) -> Any:
        """Half of the difference of the gradients at both ends of a step to both sides."""
        ends = []
        for sign in (1, -1):
            asked = [
                {**item, "data": [x + sign * s for x, s in zip(item["data"], step, strict=True)]}
                if item["name"] == by
                else item
                for item in request["arguments"]
            ]
            answer = self.ask({**request, "arguments": asked, "gradient": True})
            ends.append(self.torch.tensor(answer["gradient"][by]["data"], dtype=self.torch.float64))
        return (ends[0] - ends[1]) / 2

    def _twice(self, request: Mapping[str, Any], by: str) -> Any:
        torch = self.torch
        learned, args, kwargs = self._arguments(request["arguments"])
        subject = self._fresh(request.get("seed", 0))
        value, _ = self._value(subject, args(), kwargs())
        with theirs("differentiating it raised"):
            first = torch.autograd.grad(value, learned[by], create_graph=True, allow_unused=True)[0]
            size = learned[by].numel()
            if first is None:
                return torch.zeros(size, size)
            if not first.requires_grad:
                # linear in the input, or a backward that torch does not see through
                raise Failed("it cannot be differentiated twice")
            rows = [
                torch.autograd.grad(x, learned[by], retain_graph=True, allow_unused=True)[0]
                for x in first.reshape(-1)
            ]
        return torch.stack([torch.zeros(size) if r is None else r.reshape(-1) for r in rows])

    def _differences(self, request: Mapping[str, Any], by: str) -> Any:
        data = next(item["data"] for item in request["arguments"] if item["name"] == by)
        columns = []
        for k, x in enumerate(data):
            step = [0.0] * len(data)
            step[k] = STEP * max(1.0, abs(x))
            columns.append(self._slope(request, by, step) / step[k])
        return self.torch.stack(columns, dim=1)

    def _arguments(self, items: Sequence[Mapping[str, Any]]) -> Any:
        """Leaves by name, and two functions that make the arguments anew from them.

        What is passed is a copy, as embeddings come from a network: code that normalises in place
        may, as it may in training.
        """
        torch = self.torch
        leaves: dict[str, Any] = {}
        for item in items:
            whole = item["kind"] in ("label", "target")
            x = torch.tensor(item["data"], dtype=torch.int64 if whole else self.dtype)
            x = x.reshape(item["shape"])
            leaves[item["name"]] = x.requires_grad_(item["kind"] in ("real", "unit", "scale"))
        learned = {n: x for n, x in leaves.items() if x.requires_grad}
        return (
            learned,
            lambda: [leaves[i["name"]].clone() for i in items if i["keyword"] is None],
            lambda: {i["keyword"]: leaves[i["name"]].clone() for i in items if i["keyword"]},
        )

    def _fresh(self, number: int) -> Any:
        """The callable in its first state, with the seeds set."""
        seed(number)
        if inspect.isfunction(self.object) or inspect.isbuiltin(self.object):
            return self.object
        return self._copy(self.object) or self.object

    def _copy(self, subject: Any) -> Any:
        """A copy with all that belongs to it, None where there can be none."""
        try:
            return copy.deepcopy(subject)
        except Exception:
            self.note("it cannot be copied, so what it remembers stays from call to call")
            return None

    def _value(self, subject: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[Any, Any]:
        """The loss as a number, and what was returned where that was an array."""
        torch = self.torch
        with torch.enable_grad(), theirs("it raised"):
            out = self._picked(subject(*args, **kwargs, **self.options))
        if not isinstance(out, torch.Tensor):
            raise Failed(f"it returned {_kind(out)}, no tensor: nothing to differentiate")
        if not out.is_floating_point():
            raise Failed(f"it returned {out.dtype} numbers, no loss")
        if out.dtype != self.dtype:
            self.note(f"it returns {str(out.dtype).removeprefix('torch.')}")
        return (out.double(), None) if out.dim() == 0 else (out.double().sum(), out)

    def _picked(self, out: Any) -> Any:
        """The loss in what was returned."""
        torch = self.torch
        if self.result is not None:
            key: Any = int(self.result) if self.result.lstrip("-").isdigit() else self.result
            try:
                return getattr(out, key) if isinstance(key, str) and hasattr(out, key) else out[key]
            except (LookupError, TypeError):
                message = f"what it returned, {_kind(out)}, has no {self.result!r}"
                raise Failed(message, "usage") from None
        if isinstance(out, torch.Tensor):
            return out
        if isinstance(getattr(out, "loss", None), torch.Tensor):
            self.note("of what it returned, .loss was taken")
            return out.loss
        if isinstance(out, Mapping):
            tensors = [k for k, v in out.items() if isinstance(v, torch.Tensor)]
            named = [k for k in tensors if "loss" in str(k).lower()] or tensors
            if "loss" in named or named:
                key = "loss" if "loss" in named else named[0]
                self.note(f"of the {len(out)} things it returned, {key!r} was taken (see --result)")
                return out[key]
        if isinstance(out, tuple | list) and out and isinstance(out[0], torch.Tensor):
            self.note(f"of the {len(out)} things it returned, the first was taken (see --result)")
            return out[0]
        return out

    def _gradient(self, value: Any, learned: Mapping[str, Any]) -> dict[str, Any]:
        torch = self.torch
        if not value.requires_grad:
            raise Failed(
                "its result has no gradient: computed without one, detached, or outside torch"
            )
        with theirs("its backward raised"):
            grads = torch.autograd.grad(value, list(learned.values()), allow_unused=True)
        for name, g in zip(learned, grads, strict=True):
            if g is None:
                self.note(f"no gradient reaches {name}")
        return {
            name: torch.zeros_like(x) if g is None else g
            for (name, x), g in zip(learned.items(), grads, strict=True)
        }


def _kind(x: Any) -> str:
    """What an object is, with its article."""
    if x is None:
        return "None"
    name = type(x).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def sent(x: Any) -> dict[str, Any]:
    """An array as it travels."""
    return {"shape": list(x.shape), "data": x.reshape(-1).tolist()}


def seed(number: int) -> None:
    """Set every seed that there is."""
    import torch

    random.seed(number)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(number)
    torch.manual_seed(number)


@contextmanager
def surroundings(dtype: str) -> Iterator[None]:
    """That type of numbers by default; seeds and default are afterwards as they were."""
    import torch

    default, state = torch.get_default_dtype(), random.getstate()
    numpy = sys.modules.get("numpy")
    theirs_too = numpy.random.get_state() if numpy else None
    with torch.random.fork_rng(devices=[]):
        torch.set_default_dtype(getattr(torch, dtype))
        try:
            yield
        finally:
            torch.set_default_dtype(default)
            random.setstate(state)
            if numpy and theirs_too is not None:
                numpy.random.set_state(theirs_too)
