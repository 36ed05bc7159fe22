-- Generated: npm run generate -w @doorpolicy/testbed
CREATE ROLE "app" LOGIN PASSWORD 'SCRAM-SHA-256$4096:ZG9vcnBvbGljeS1sb2NhbA==$sLVlzcPKgzpKUcbmJ+5F2SYciigsr7uWoxKWKES5gJE=:444r/s1Zmt1HXJG6hVoeQrs46+NzQbUZmBbjRf0Tcsg=';
ALTER ROLE "app" CREATEDB CREATEROLE;
GRANT pg_monitor, pg_signal_backend TO "app";
CREATE DATABASE "app" OWNER "app";
