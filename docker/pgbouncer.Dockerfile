# The PgBouncer that the testbed uses by default: 1.24.1, as Debian 13 ships it.
FROM debian:trixie-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends pgbouncer \
 && rm -rf /var/lib/apt/lists/*
USER postgres
EXPOSE 6432
# It waits for clients on SIGTERM; SIGINT lets transactions end and then stops.
STOPSIGNAL SIGINT
CMD ["/usr/sbin/pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]
