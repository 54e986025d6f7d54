"""Columns of the built tables: their types, and from which columns of which tables each is made.

Every build notes the types. Origins are traced through the compiled SQL when Dagster's UI starts, once per version of
the models, for it takes seconds; both are files in dbt's folder.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from filelock import FileLock

from pipelines.dbt import target_path
from pipelines.lake import beside
from pipelines.settings import Settings

Types = dict[str, dict[str, str]]  # schema.table -> column -> DuckDB type
Origins = dict[str, dict[str, list[tuple[str, str]]]]  # schema.table -> column -> (schema.table, column) of its parents


def note_types(settings: Settings, db: duckdb.DuckDBPyConnection) -> None:
    """Keep the types of every relation of the build file; writes only what has changed."""
    types: Types = {}
    found = db.execute(
        "select schema_name || '.' || table_name, column_name, data_type from duckdb_columns() "
        "where not internal and schema_name not like '%dbt_test__audit' order by 1, column_index"
    ).fetchall()
    for relation, column, kind in found:
        types.setdefault(relation, {})[column] = kind
    file, text = _types_file(settings), json.dumps(types)
    if not file.exists() or file.read_text() != text:
        with beside(file) as draft:
            draft.write_text(text)


def types_of(settings: Settings) -> Types:
    """What the last build said; nothing before the first."""
    return _read(_types_file(settings))


def origins_of(settings: Settings) -> Origins:
    """What was traced last; nothing before the UI was started on a finished build."""
    return _read(_origins_file(settings)).get("origins", {})


def trace(settings: Settings) -> bool:
    """Bring the origins up to date with the last build; says whether there was something to do."""
    types, compiled = types_of(settings), target_path(settings) / "compiled" / "paceline" / "models"
    queries = {path.stem: path.read_text() for path in sorted(compiled.rglob("*.sql")) if path.parent.suffix != ".yml"}
    if not types or not queries:
        return False
    digest = hashlib.blake2b(json.dumps([types, queries]).encode(), digest_size=8).hexdigest()
    file = _origins_file(settings)
    with FileLock(file.with_suffix(".lock")):
        if _read(file).get("of") == digest:
            return False
        relations = {relation.partition(".")[2]: relation for relation in types if not relation.startswith("raw.")}
        known = {relations[name]: query for name, query in queries.items() if name in relations}
        with beside(file) as draft:
            draft.write_text(json.dumps({"of": digest, "origins": trace_queries(known, types)}))
    return True


def trace_queries(queries: Mapping[str, str], types: Types) -> Origins:
    """Relation -> column -> the columns that its value is made of, one step up; conditions and joins do not count.

    A query that cannot be traced is left out: the graph still knows its parents.
    """
    from sqlglot.schema import MappingSchema

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    nested: dict[str, Types] = {}
    for relation, columns in types.items():
        schema, _, table = relation.partition(".")
        nested.setdefault(schema, {})[table] = columns
    known = MappingSchema(nested, dialect="duckdb")
    origins: Origins = {}
    for relation, query in queries.items():
        try:
            traced = _trace_query(query, known, _Tracer(set(types)))
        except Exception as error:  # a pivot at the top, for example, has no columns for sqlglot
            logging.getLogger(__name__).info("columns of %s are not traced: %r", relation, error)
            continue
        origins[relation] = {column: found for column, found in traced.items() if column in types[relation]}
    return origins


def _trace_query(query: str, known, tracer: "_Tracer") -> dict[str, list[tuple[str, str]]]:
    from sqlglot import exp, parse_one
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    tree = parse_one(query, dialect="duckdb")
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    tree = qualify(tree, schema=known, dialect="duckdb", validate_qualify_columns=False, identify=False)
    scope = build_scope(tree)
    return {column: sorted(tracer.origins(scope, column)) for column in tree.named_selects}


class _Tracer:
    """Follows a column of a query down to the tables it reads, through its CTEs, subqueries and unions."""

    def __init__(self, relations: set[str]):
        self._relations = relations
        self._known: dict[tuple[int, str], set[tuple[str, str]]] = {}

    def origins(self, scope, column: str) -> set[tuple[str, str]]:
        """(relation, column) that one column of a scope is made of."""
        key = (id(scope), column)
        if key not in self._known:
            self._known[key] = self._look(scope, column)
        return self._known[key]

    def _look(self, scope, column: str) -> set[tuple[str, str]]:
        from sqlglot import exp

        query = scope.expression
        if isinstance(query, exp.SetOperation):
            return self._look_in_union(scope, column)
        if isinstance(query, exp.Query):
            made = [one for one in query.selects if one.alias_or_name == column]
        else:  # a table function such as unnest: whatever it is given
            made = [query]
        return self._of(scope, made)

    def _look_in_union(self, scope, column: str) -> set[tuple[str, str]]:
        found: set[tuple[str, str]] = set()
        names = scope.set_operation_scopes[0].expression.named_selects
        for branch in scope.set_operation_scopes:
            theirs = branch.expression.named_selects
            by_name = scope.expression.args.get("by_name")
            same = column if by_name or column not in names else theirs[min(names.index(column), len(theirs) - 1)]
            if same in theirs:
                found |= self.origins(branch, same)
        return found

    def _of(self, scope, expressions: Iterable) -> set[tuple[str, str]]:
        from sqlglot import exp
        from sqlglot.optimizer.scope import Scope

        sources = {**scope.sources}
        for inner in scope.subquery_scopes:
            sources |= inner.sources
        found: set[tuple[str, str]] = set()
        for reference in (one for each in expressions for one in each.find_all(exp.Column)):
            source = sources.get(reference.table)
            if isinstance(source, Scope):
                found |= self.origins(source, reference.name)
            elif isinstance(source, exp.Table) and (relation := f"{source.db}.{source.name}") in self._relations:
                found.add((relation, reference.name))
        return found


def _read(file: Path) -> dict:
    """What the file says; nothing where it is missing or broken, for the next build writes it anew."""
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError):
        return {}


def _types_file(settings: Settings) -> Path:
    return target_path(settings) / "types.json"


def _origins_file(settings: Settings) -> Path:
    return target_path(settings) / "columns.json"
