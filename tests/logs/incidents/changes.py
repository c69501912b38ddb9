"""Incidents that somebody's change or schedule began: deploys, settings, flags, jobs, migrations, certificates."""

from tests.logs.incidents.story import Story, error, info, warn

CHANGES = (
    Story(
        "deploy",
        info("deployer", "rollout of orders {version} finished: inventory.read_timeout_ms 3000 -> 300"),
        (
            error(
                "orders", "read timed out after 300 ms calling inventory at {ip}:{port}", 3, "SocketTimeoutException"
            ),
            warn("orders", "order {n} kept without stock check, user={user}", 1),
        ),
        "read timed out after 300 ms",
    ),
    Story(
        "deploy",
        info("release", "release {version} of checkout is live in {zone}, commit {short}"),
        (
            error("checkout", "unhandled NullReference in PriceFormatter for basket {n}", 2, "NullPointerException"),
            error("gateway", "POST /checkout/{uuid} answered 500 in {ms} ms", 2),
        ),
        "unhandled NullReference in PriceFormatter",
    ),
    Story(
        "deploy",
        info("config", "applied settings revision {short}: serializer=avro (was json), topic=payments"),
        (
            error(
                "payments", "cannot deserialize record at offset {n}: unknown magic byte", 3, "SerializationException"
            ),
            warn("payments", "sent record {uuid} to dead letter topic", 2),
        ),
        "unknown magic byte",
    ),
    Story(
        "pool",
        info("deployer", "orders {version} rolled out: db.pool.max_size 100 -> 20"),
        (
            error(
                "orders",
                "Connection is not available, request timed out after 30000 ms (waiting={small})",
                3,
                "SQLTransientException",
            ),
            error("gateway", "GET /orders/{n} answered 503 in {slow} ms", 2),
        ),
        "Connection is not available, request timed out",
    ),
    Story(
        "pool",
        info("billing", "started report export job {short} with 64 parallel readers"),
        (
            error("billing", "QueuePool limit of size 20 overflow 10 reached, connection timed out", 2, "TimeoutError"),
            warn("billing", "invoice {n} waited {slow} ms for a connection", 2),
        ),
        "QueuePool limit of size 20",
    ),
    Story(
        "pool",
        warn("ledger", "connection {short} returned without rollback, keeping it out of the pool"),
        (
            error("ledger", "could not acquire connection from pgbouncer: no more connections allowed", 2),
            error("ledger", "posting {uuid} aborted after {slow} ms", 1),
        ),
        "no more connections allowed",
    ),
    Story(
        "flag",
        info("flags", "flag new_search_ranking changed by {user}: 0% -> 100%"),
        (
            error("search", "ranker model returned no scores for query {hex}", 2, "RankerException"),
            warn("search", "fell back to static ranking for user {user}", 2),
        ),
        "ranker model returned no scores",
    ),
    Story(
        "flag",
        info("toggles", "toggle async-mail-sending is now on for all tenants"),
        (
            error("mailer", "dropped mail {uuid}: outbox is full (10000)", 2),
            warn("mailer", "outbox flush lasted {slow} ms", 1),
        ),
        "outbox is full (10000)",
    ),
    Story(
        "flag",
        info("experiments", "experiment lazy-images moved to variant B for zone {zone}"),
        (
            error("media", "thumbnail {n} requested before upload, no such key", 3),
            error("gateway", "GET /media/{hex} answered 404 to {ip}", 2),
        ),
        "requested before upload, no such key",
    ),
    Story(
        "cron",
        info("cron", "(root) CMD (/opt/jobs/rebuild-index --full) started while nightly-export is still running"),
        (
            warn("database", "statement {hex} waited {slow} ms for lock on items", 3),
            error("catalogue", "deadlock detected while updating item {n}", 1, "DeadlockException"),
        ),
        "for lock on items",
    ),
    Story(
        "cron",
        info("scheduler", "job vacuum-full fired at its time, job settle-day in progress (1 of 2)"),
        (
            error("ledger", "canceling statement due to lock timeout, entry {n}", 3, "QueryCanceled"),
            warn("ledger", "settlement {uuid} postponed", 1),
        ),
        "canceling statement due to lock timeout",
    ),
    Story(
        "cron",
        info("crond", "starting backup-volumes (every 6 h) alongside reindex-media"),
        (
            warn("media", "disk read of {path} took {slow} ms", 2),
            error("media", "stream {uuid} stalled, buffer underrun", 2),
        ),
        "buffer underrun",
    ),
    Story(
        "migration",
        info("migrate", "running 0187_add_index_orders_customer: CREATE INDEX on orders (not concurrently)"),
        (
            error("orders", "lock wait timeout exceeded on insert into orders, request={uuid}", 3, "LockTimeout"),
            warn("gateway", "POST /orders took {slow} ms", 2),
        ),
        "lock wait timeout exceeded",
    ),
    Story(
        "migration",
        info("flyway", "migrating schema public to version 42 - alter column amount type numeric"),
        (
            error("billing", "relation invoices is locked by pid {port}, gave up after 5000 ms", 3, "PSQLException"),
            warn("billing", "invoice {n} queued for later", 1),
        ),
        "relation invoices is locked",
    ),
    Story(
        "migration",
        info("alembic", "upgrade 9f2c -> a71d, drop column profile.legacy_name"),
        (
            error("profile", "column legacy_name does not exist, user={user}", 3, "ProgrammingError"),
            error("gateway", "GET /profile/{user} answered 500", 2),
        ),
        "column legacy_name does not exist",
    ),
    Story(
        "certificate",
        warn("vault", "certificate CN=payments.internal serial {hex} reached notAfter"),
        (
            error(
                "payments", "TLS handshake with {ip}:{port} failed: certificate has expired", 3, "SSLHandshakeException"
            ),
            error("gateway", "upstream payments answered 502 in {ms} ms", 1),
        ),
        "certificate has expired",
        delay=(0, 60),
    ),
    Story(
        "certificate",
        info("certbot", "installed renewed certificate for api.internal, chain of 1 (was 2)"),
        (
            error("shipping", "unable to get local issuer certificate for api.internal, request={uuid}", 3, "SSLError"),
            warn("shipping", "label {n} not printed, will retry", 1),
        ),
        "unable to get local issuer certificate",
    ),
    Story(
        "certificate",
        info("ingress", "tls secret edge-wildcard reloaded, valid until 2026-01-01"),
        (
            warn("ingress", "client {ip}:{port} aborted handshake: alert 45", 3),
            error("mobile", "push to device {hex} failed: remote certificate is not valid", 1),
        ),
        "aborted handshake: alert 45",
    ),
    Story(
        "ratelimit",
        info("auth", "api key of tenant acme-batch enabled, plan=free limit=60 per minute"),
        (
            warn("gateway", "rate limit exceeded for tenant acme-batch, request={uuid} answered 429", 4),
            error("gateway", "limiter store slow: {slow} ms, rejecting", 1),
        ),
        "rate limit exceeded for tenant acme-batch",
    ),
    Story(
        "ratelimit",
        info("gateway", "client 10.77.3.9 opened 400 connections, agent=bulk-export"),
        (
            error("gateway", "worker connections are not enough, dropped {ip}:{port}", 2),
            warn("gateway", "throttled 10.77.3.9 after {small} requests in 1 s", 3),
        ),
        "worker connections are not enough",
    ),
    Story(
        "ratelimit",
        info("crawler", "partner feed switched from delta to full, {n} documents to fetch"),
        (
            error("crawler", "partner answered Too Many Requests, retry after {small} s, document {n}", 3),
            warn("crawler", "feed page {small} incomplete", 1),
        ),
        "partner answered Too Many Requests",
    ),
)
