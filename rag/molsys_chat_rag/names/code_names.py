"""The names that Python code uses, followed through its imports, aliases and variables.

Every use has a *path*: the dotted name as far as the code itself tells it. After ``import mdtraj
as md; t = md.load("a.h5")``, ``t.superpose`` has the path ``mdtraj.load().superpose``: what the
method ``superpose`` of ``mdtraj.load``'s result is. The marks in a path:

- ``()`` the result of a call, ``[]`` an item of something;
- ``?name`` a name that the code binds nowhere;
- ``*`` a value of which nothing is known.
"""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

UNKNOWN = "*"
_DEEPEST_PATH = 12
"""Components and marks of a path that are followed."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a name: a whole chain of attributes, called or not, or an import."""

    path: str
    """Where it leads, as far as the code tells."""
    written: str
    """As it stands in the code, arguments left out: ``md.load(…).superpose``."""
    called: bool = False
    """Whether it is called."""
    positional: int = 0
    """Arguments by position."""
    keywords: tuple[str, ...] = ()
    """Names of the arguments by name."""
    open_positional: bool = False
    """Whether ``*args`` or an ellipsis stands among the arguments."""
    imported: bool = False
    """Whether an import names it."""
    line: int = field(default=0, compare=False)
    """The line that its last component stands in, of what was parsed together, from 1."""


Scope = Mapping[str, str]
"""What each bound name leads to."""


def read_names(statements: Iterable[ast.stmt], scope: Scope) -> tuple[list[Use], dict[str, str]]:
    """Return the names that statements use, in order, and the scope after them."""
    reader = _Reader(scope)
    for statement in statements:
        reader.visit(statement)
    return reader.uses, reader.scope


class _Reader(ast.NodeVisitor):
    """Walks through statements; every method returns the path of what it has read."""

    def __init__(self, scope: Scope) -> None:
        self.scope = dict(scope)
        self.uses: list[Use] = []

    def generic_visit(self, node: ast.AST) -> str:
        super().generic_visit(node)
        return UNKNOWN

    # Names and chains

    def visit_Name(self, node: ast.Name) -> str:
        path, written = self._chain(node)
        if path.startswith("?"):  # a bound name is no new use of what it was bound to
            self.uses.append(Use(path, written, line=node.lineno))
        return path

    def visit_Attribute(self, node: ast.Attribute) -> str:
        path, written = self._chain(node)
        if isinstance(node.ctx, ast.Load):
            self.uses.append(Use(path, written, line=_end(node)))
        return path

    def visit_Call(self, node: ast.Call) -> str:
        path, written = self._chain(node.func)
        starred = any(isinstance(a, ast.Starred) or _is_ellipsis(a) for a in node.args)
        self.uses.append(
            Use(
                path,
                written,
                called=True,
                positional=sum(not isinstance(a, ast.Starred) for a in node.args),
                keywords=tuple(k.arg for k in node.keywords if k.arg),
                open_positional=starred,
                line=_end(node.func),
            )
        )
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self.visit(argument)
        return _result(path, "()")

    def visit_Subscript(self, node: ast.Subscript) -> str:
        base = self.visit(node.value)
        self.visit(node.slice)
        return _result(base, "[]")

    def visit_Await(self, node: ast.Await) -> str:
        path: str = self.visit(node.value)
        return path

    def visit_NamedExpr(self, node: ast.NamedExpr) -> str:
        path: str = self.visit(node.value)
        self._bind(node.target, path)
        return path

    def _chain(self, node: ast.expr) -> tuple[str, str]:
        """Return where a chain leads and how it is written; what it begins with is read."""
        if isinstance(node, ast.Name):
            return self.scope.get(node.id, f"?{node.id}"), node.id
        if isinstance(node, ast.Attribute):
            path, written = self._chain(node.value)
            return _attribute(path, node.attr), f"{written}.{node.attr}"
        path = self.visit(node)
        if isinstance(node, ast.Call):
            return path, f"{_written(node.func)}(…)"
        return path, f"{_written(node.value)}[…]" if isinstance(node, ast.Subscript) else "…"

    # What binds names

    def visit_Import(self, node: ast.Import) -> str:
        for alias in node.names:
            self.uses.append(Use(alias.name, alias.name, imported=True, line=_end(node)))
            top = alias.name.partition(".")[0]
            self.scope[alias.asname or top] = alias.name if alias.asname else top
        return UNKNOWN

    def visit_ImportFrom(self, node: ast.ImportFrom) -> str:
        for alias in node.names:
            name = f"{node.module}.{alias.name}"
            if node.level or not node.module:
                self.scope[alias.asname or alias.name] = UNKNOWN
            elif alias.name == "*":
                self.uses.append(Use(node.module, node.module, imported=True, line=_end(node)))
            else:
                self.uses.append(Use(name, name, imported=True, line=_end(alias)))
                self.scope[alias.asname or alias.name] = name
        return UNKNOWN

    def visit_Assign(self, node: ast.Assign) -> str:
        path = self.visit(node.value)
        for target in node.targets:
            self._bind(target, path)
        return UNKNOWN

    def visit_AnnAssign(self, node: ast.AnnAssign) -> str:
        self.visit(node.annotation)
        self._bind(node.target, self.visit(node.value) if node.value else UNKNOWN)
        return UNKNOWN

    def visit_AugAssign(self, node: ast.AugAssign) -> str:
        self.visit(node.value)
        self._bind(node.target, UNKNOWN)
        return UNKNOWN

    def visit_For(self, node: ast.For | ast.AsyncFor) -> str:
        self._bind(node.target, _result(self.visit(node.iter), "[]"))
        for statement in (*node.body, *node.orelse):
            self.visit(statement)
        return UNKNOWN

    def visit_AsyncFor(self, node: ast.AsyncFor) -> str:
        return self.visit_For(node)

    def visit_withitem(self, node: ast.withitem) -> str:
        path = self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._bind(node.optional_vars, path)
        return UNKNOWN

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> str:
        if node.name:
            self.scope[node.name] = UNKNOWN
        return self.generic_visit(node)

    def visit_MatchAs(self, node: ast.MatchAs) -> str:
        if node.name:
            self.scope[node.name] = UNKNOWN
        return self.generic_visit(node)

    def visit_MatchStar(self, node: ast.MatchStar) -> str:
        if node.name:
            self.scope[node.name] = UNKNOWN
        return UNKNOWN

    def visit_MatchMapping(self, node: ast.MatchMapping) -> str:
        if node.rest:
            self.scope[node.rest] = UNKNOWN
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        for part in (*node.decorator_list, node.args, node.returns):
            if part is not None:
                self.visit(part)
        self.scope[node.name] = UNKNOWN
        self._bind_arguments(node.args)
        for statement in node.body:
            self.visit(statement)
        return UNKNOWN

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> str:
        return self.visit_FunctionDef(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> str:
        self.scope[node.name] = UNKNOWN
        return self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> str:
        self.visit(node.args)
        outside = dict(self.scope)
        self._bind_arguments(node.args)
        self.visit(node.body)
        self.scope = outside
        return UNKNOWN

    def visit_ListComp(self, node: ast.ListComp) -> str:
        return self._comprehend(node.generators, node.elt)

    def visit_SetComp(self, node: ast.SetComp) -> str:
        return self._comprehend(node.generators, node.elt)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> str:
        return self._comprehend(node.generators, node.elt)

    def visit_DictComp(self, node: ast.DictComp) -> str:
        return self._comprehend(node.generators, node.key, node.value)

    def _comprehend(self, generators: Iterable[ast.comprehension], *shown: ast.expr) -> str:
        outside = dict(self.scope)
        for generator in generators:
            self._bind(generator.target, _result(self.visit(generator.iter), "[]"))
            for condition in generator.ifs:
                self.visit(condition)
        for part in shown:
            self.visit(part)
        self.scope = outside
        return UNKNOWN

    def _bind_arguments(self, arguments: ast.arguments) -> None:
        named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        for argument in (*named, arguments.vararg, arguments.kwarg):
            if argument is not None:
                self.scope[argument.arg] = UNKNOWN

    def _bind(self, target: ast.expr, path: str) -> None:
        match target:
            case ast.Name():
                self.scope[target.id] = path if "?" not in path else UNKNOWN
            case ast.Tuple() | ast.List():
                for element in target.elts:
                    self._bind(element, UNKNOWN)
            case ast.Starred():
                self._bind(target.value, UNKNOWN)
            case _:
                self.visit(target)


def _end(node: ast.expr | ast.stmt | ast.alias) -> int:
    return node.end_lineno or node.lineno


def _attribute(path: str, name: str) -> str:
    return f"{path}.{name}" if path.count(".") < _DEEPEST_PATH else UNKNOWN


def _result(path: str, mark: str) -> str:
    """Return the path of a call's result or of an item; of what is unknown, nothing is known."""
    followed = path[:1] not in (UNKNOWN, "?") and path.count("(") + path.count("[") < _DEEPEST_PATH
    return path + mark if followed else UNKNOWN


def _written(node: ast.expr) -> str:
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return f"{_written(node.value)}.{node.attr}"
        case ast.Call():
            return f"{_written(node.func)}(…)"
        case ast.Subscript():
            return f"{_written(node.value)}[…]"
        case _:
            return "…"


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis
