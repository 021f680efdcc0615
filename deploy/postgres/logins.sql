-- The logins and databases of Pergola, for psql as superuser; may be run again at any time.
-- Used by the embedded PostgreSQL and by the container's first start. Passwords come from the
-- environment, so that they are in no file and no process list.
--
--   pergola_owner  migrates and provisions: owns the database, may create roles and databases
--   pergola_app    serves requests: owns nothing, sees what it is granted
--   pergola_n8n    n8n's own login for n8n's own database; cannot connect to Pergola's
\set ON_ERROR_STOP on
\getenv owner_password PERGOLA_OWNER_PASSWORD
\getenv app_password PERGOLA_APP_PASSWORD
\getenv n8n_password PERGOLA_N8N_PASSWORD

SELECT format('CREATE ROLE %I', login)
FROM unnest(ARRAY['pergola_owner', 'pergola_app', 'pergola_n8n']) AS login
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) \gexec

ALTER ROLE pergola_owner LOGIN NOSUPERUSER CREATEDB CREATEROLE PASSWORD :'owner_password';
ALTER ROLE pergola_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
ALTER ROLE pergola_n8n LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'n8n_password';

-- So that a migration that waits can say who holds the table, and since when.
GRANT pg_read_all_stats TO pergola_owner;

SELECT 'CREATE DATABASE pergola OWNER pergola_owner TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'pergola') \gexec
SELECT 'CREATE DATABASE n8n OWNER pergola_n8n TEMPLATE template0'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'n8n') \gexec

REVOKE ALL ON DATABASE pergola, n8n, postgres FROM PUBLIC;
GRANT CONNECT ON DATABASE pergola TO pergola_app;
-- CREATE DATABASE connects here first (Django does, for test databases).
GRANT CONNECT ON DATABASE postgres TO pergola_owner;

-- template1 too: a database that the owner creates later has the extension from birth, since the
-- owner, no superuser, may not add it.
\connect template1
CREATE EXTENSION IF NOT EXISTS vector;
\connect pergola
CREATE EXTENSION IF NOT EXISTS vector;
