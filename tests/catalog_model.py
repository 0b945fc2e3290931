"""A small numeric reading of formula trees, written for the tests and shared with no other code."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field

import numpy as np

from catalog.symbols import (
    Add,
    And,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Equal,
    IApp,
    IVar,
    Iverson,
    Macro,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
)


@dataclass
class Model:
    """Sizes of the sets and values of the declared arrays (vectors have one axis more)."""

    sizes: dict[str, int]
    arrays: dict[str, object] = field(default_factory=dict)

    def over(self, variables):
        """Every assignment of the variables."""
        ranges = [range(len(v.set.elements) or self.sizes[v.set.name]) for v in variables]
        return (dict(zip(variables, values, strict=True)) for values in itertools.product(*ranges))

    def value(self, node, env=None):
        """The value of an expression, an index (an int) or a condition (a bool)."""
        env = env or {}

        def go(part):
            return self.value(part, env)

        match node:
            case Num(value=value):
                return float(value)
            case IVar():
                return env[node]
            case IApp(name=name, args=args, set=over):
                if name in over.elements:
                    return over.elements.index(name)
                return int(self.at(name, args, env))
            case Sym(name=name, args=args):
                return self.at(name, args, env)
            case Add(args=args):
                return sum(map(go, args[1:]), go(args[0]))
            case Mul(args=args):
                return math.prod(map(go, args[1:]), start=go(args[0]))
            case Div(num=num, den=den):
                return go(num) / go(den)
            case Pow(base=base, exponent=exponent):
                return go(base) ** go(exponent)
            case Call(fn=fn, args=args):
                return FUNCTIONS[fn](*map(go, args))
            case Dot(u=u, v=v):
                return float(np.dot(go(u), go(v)))
            case SqNorm(u=u):
                return float(np.dot(go(u), go(u)))
            case Norm(u=u):
                return float(np.linalg.norm(go(u)))
            case Cos(u=u, v=v):
                a, b = go(u), go(v)
                return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))
            case Iverson(cond=cond):
                return float(go(cond))
            case Macro(body=body):
                return go(body)
            case Size(vars=variables, cond=cond):
                return float(sum(self.value(cond, {**env, **e}) for e in self.over(variables)))
            case Big(op=op, vars=variables, cond=cond, body=body):
                inner = [{**env, **e} for e in self.over(variables)]
                values = [self.value(body, e) for e in inner if self.value(cond, e)]
                return {"sum": sum, "max": max, "min": min, "mean": lambda v: sum(v) / len(v)}[op](
                    values
                )
            case Equal(a=a, b=b, negated=negated):
                return (go(a) == go(b)) != negated
            case Mask(name=name, args=args, negated=negated):
                return bool(self.at(name, args, env)) != negated
            case And(args=args):
                return all(map(go, args))
            case Or(args=args):
                return any(map(go, args))
            case SetRef(cond=cond, negated=negated):
                return go(cond) != negated
        raise AssertionError(node)

    def at(self, name, args, env):
        """The entry of a declared array."""
        found = np.asarray(self.arrays[name])[tuple(self.value(a, env) for a in args)]
        return found if found.ndim else found.item()


FUNCTIONS = {
    "log": lambda x: math.log(x) if x > 0 else 0.0,  # 0 log 0 is 0
    "exp": math.exp,
    "sqrt": math.sqrt,
    "relu": lambda x: max(x, 0.0),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "sg": lambda x: x,
    "max": max,
    "min": min,
}
