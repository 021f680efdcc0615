"""What PostgreSQL knows of a schema, in the words in which it can be made again.

Asked with the schema alone in the search_path, so names within it come unqualified and those of
extensions with their own schema: the words then fit any schema.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from psycopg import sql

# Everything that the compiler does not write. A schema that has some is built by migrations.
STRANGE = """
SELECT 'relation ' || c.relname || ' of kind ' || c.relkind::text FROM pg_class c
 WHERE c.relnamespace = %(schema)s::regnamespace AND (
  c.relkind NOT IN ('r', 'i', 'S') OR c.relispartition OR c.relhassubclass OR c.relrowsecurity
  OR c.relforcerowsecurity OR c.relpersistence <> 'p' OR c.reloftype <> 0 OR c.reltablespace <> 0
  OR (c.relkind = 'r' AND (c.relreplident <> 'd' OR EXISTS (
   SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)))
  OR (c.relkind = 'S' AND NOT EXISTS (
   SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')))
UNION ALL SELECT 'type ' || t.typname FROM pg_type t
 WHERE t.typnamespace = %(schema)s::regnamespace AND t.typtype IN ('d', 'e', 'r', 'm')
UNION ALL SELECT 'rule ' || r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
 WHERE c.relnamespace = %(schema)s::regnamespace
UNION ALL SELECT 'statistics ' || stxname FROM pg_statistic_ext
 WHERE stxnamespace = %(schema)s::regnamespace
UNION ALL SELECT 'rights of a column of ' || c.relname FROM pg_attribute a
 JOIN pg_class c ON c.oid = a.attrelid
 WHERE c.relnamespace = %(schema)s::regnamespace AND a.attacl IS NOT NULL
UNION ALL SELECT 'constraint ' || conname FROM pg_constraint
 WHERE connamespace = %(schema)s::regnamespace AND NOT convalidated
UNION ALL SELECT 'index ' || i.indexrelid::regclass FROM pg_index i
 JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = %(schema)s::regnamespace
 AND (i.indisclustered OR i.indisreplident OR NOT i.indisvalid)
UNION ALL SELECT 'function ' || proname FROM pg_proc
 WHERE pronamespace = %(schema)s::regnamespace AND (prokind <> 'f' OR proacl IS NOT NULL)
"""
FUNCTIONS = """
SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition,
 format('CREATE OR REPLACE FUNCTION %%I.', %(schema)s::text) AS beginning,
 'CREATE FUNCTION ' AS new_beginning, obj_description(p.oid, 'pg_proc') AS comment
FROM pg_proc p WHERE p.pronamespace = %(schema)s::regnamespace ORDER BY 1
"""
TABLES = """
SELECT c.relname AS key, quote_ident(c.relname) AS name, c.reloptions AS options,
 (SELECT array_agg('toast.' || o) FROM pg_class t, unnest(t.reloptions) o
  WHERE t.oid = c.reltoastrelid) AS toast_options,
 obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' ORDER BY 1
"""
COLUMNS = """
SELECT c.relname AS key, quote_ident(a.attname) AS name,
 format_type(a.atttypid, a.atttypmod) AS type,
 pg_get_expr(d.adbin, d.adrelid) AS expression, a.attgenerated AS generated,
 a.attidentity AS identity, a.attcompression AS compression, a.attstattarget AS statistics,
 CASE WHEN a.attcollation NOT IN (0, t.typcollation)
  THEN quote_ident(n.nspname) || '.' || quote_ident(l.collname) END AS collation,
 CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN'
  WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END AS storage,
 a.attoptions AS options, col_description(c.oid, a.attnum) AS comment,
 a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid
  AND k.contype = 'n' AND k.conkey[1] = a.attnum) AS plainly_not_null,
 (SELECT format('SEQUENCE NAME %%I START WITH %%s INCREMENT BY %%s MINVALUE %%s MAXVALUE %%s'
   ' CACHE %%s%%s', q.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache,
   CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)
  FROM pg_depend p JOIN pg_class q ON q.oid = p.objid AND q.relkind = 'S'
  JOIN pg_sequence s ON s.seqrelid = q.oid
  WHERE p.refobjid = c.oid AND p.refobjsubid = a.attnum AND p.deptype = 'i') AS sequence
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r'
 JOIN pg_type t ON t.oid = a.atttypid
 LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (c.oid, a.attnum)
 LEFT JOIN pg_collation l ON l.oid = a.attcollation
 LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE c.relnamespace = %(schema)s::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY c.relname, a.attnum
"""
CONSTRAINTS = """
SELECT c.relname AS key, quote_ident(k.conname) AS name, k.contype AS kind,
 pg_get_constraintdef(k.oid) AS definition, f.relname AS referenced,
 obj_description(k.oid, 'pg_constraint') AS comment
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
 LEFT JOIN pg_class f ON f.oid = k.confrelid
WHERE k.connamespace = %(schema)s::regnamespace AND k.contype IN ('c', 'f', 'n', 'p', 'u', 'x')
ORDER BY c.relname, array_position(ARRAY['n', 'p', 'u', 'x', 'c', 'f'], k.contype::text), k.conname
"""
INDEXES = """
SELECT quote_ident(c.relname) AS name, pg_get_indexdef(i.indexrelid) AS definition,
 format('CREATE %%sINDEX %%I ON %%I.%%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, c.relname,
  %(schema)s::text, t.relname) AS beginning,
 format('CREATE %%sINDEX %%I ON %%I ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, c.relname,
  t.relname) AS new_beginning, obj_description(c.oid, 'pg_class') AS comment
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT EXISTS (
 SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
ORDER BY t.relname, c.relname
"""
TRIGGERS = """
SELECT quote_ident(g.tgname) AS name, quote_ident(c.relname) AS table_name,
 pg_get_triggerdef(g.oid, true) AS definition, g.tgenabled AS enabled,
 obj_description(g.oid, 'pg_trigger') AS comment
FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
WHERE c.relnamespace = %(schema)s::regnamespace AND NOT g.tgisinternal ORDER BY 2, 1
"""
# Rights of others than the owner, who has all of them by being it.
RIGHTS = """
SELECT quote_ident(c.relname) AS name,
 CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
 pg_get_userbyid(x.grantee) AS grantee,
 string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) AS privileges
FROM pg_class c, aclexplode(c.relacl) x
WHERE c.relnamespace = %(schema)s::regnamespace AND x.grantee <> c.relowner
GROUP BY c.relname, c.relkind, x.grantee ORDER BY kind DESC, privileges, 1
"""


@contextmanager
def looking_into(schema: str) -> Iterator[Any]:
    """The owner's cursor, with this schema alone in its path; inside of a transaction only."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL("SET LOCAL search_path TO {}").format(sql.Identifier(schema)))
        yield cursor
        cursor.execute("SET LOCAL search_path TO public")


def ask(cursor: Any, question: str, schema: str) -> list[dict[str, Any]]:
    cursor.execute(question, {"schema": schema})
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
