"""What goes wrong: the one line that is the cause, and the lines that show it."""

from __future__ import annotations

from dataclasses import dataclass

Said = tuple[str, str]  # level, text with {slots}


@dataclass(frozen=True, slots=True)
class Story:
    """An incident: causes to choose from, each with its symptoms; `lead` seconds lie between them at most.

    `ramp`: symptoms grow slowly instead of all at once. `host`: one host alone has them. `skew`: that host's clock jumps.
    """

    kind: str
    tales: tuple[tuple[Said, tuple[Said, ...]], ...]
    lead: int = 90
    ramp: bool = False
    host: bool = False
    skew: int = 0


STORIES = (
    Story("deploy", (
        (("INFO", "deploy orders-service v2.31.0 rolled out: db.pool.maxSize 100 -> 20"),
         (("ERROR", "HikariPool-1 - Connection is not available, request timed out after {ms}00ms"), ("WARN", "order {id} queued: no connection"))),
        (("INFO", "Starting checkout release 2026.11.4 (commit 9f31c0de)"),
         (("ERROR", "NullPointerException in PriceCalculator for basket {id}"), ("ERROR", "basket {id} could not be priced"))),
        (("NOTICE", "rollout of image registry/payments:88f1 finished on all nodes"),
         (("ERROR", "payment {uuid} rejected: unknown field currency_code"), ("WARN", "payment {uuid} sent to dead letter queue"))),
    )),
    Story("pool", (
        (("INFO", "configuration changed: jdbc.pool.size=8 (was 64) by operator"),
         (("ERROR", "timeout waiting for idle object in pool after {ms}0 ms"), ("ERROR", "request {uuid} failed: PoolTimeout"))),
        (("INFO", "reporting job started: holding 60 connections for full export"),
         (("ERROR", "FATAL: remaining connection slots are reserved, client {ip}"), ("WARN", "waiting {ms} ms for a connection"))),
        (("WARN", "max_connections lowered to 40 after restart of postgres"),
         (("ERROR", "too many clients already, refusing {ip}"), ("ERROR", "transaction {id} aborted"))),
    )),
    Story("leak", (
        (("WARN", "heap usage above 90 percent of 4096 MB, collector is falling behind"),
         (("ERROR", "java.lang.OutOfMemoryError: Java heap space in worker-{n}"), ("WARN", "GC pause of {ms}0 ms"))),
        (("WARN", "open file descriptors 950 of 1024"),
         (("ERROR", "accept failed: Too many open files, client {ip}"), ("ERROR", "cannot open {path}: Too many open files"))),
        (("WARN", "goroutines 48211 and growing, suspected leak in websocket hub"),
         (("ERROR", "websocket write to {ip} timed out after {ms}ms"), ("WARN", "event loop stalled for {ms} ms"))),
    ), lead=150, ramp=True),
    Story("bad_host", (
        (("WARN", "kernel: EXT4-fs (sda1): remounting filesystem read-only"),
         (("ERROR", "cannot write {path}: Read-only file system"), ("ERROR", "job {id} failed on this host"))),
        (("WARN", "NIC eth0: link is down, then up at 100 Mbps half duplex"),
         (("ERROR", "replication stream broken, peer {ip} reset"), ("WARN", "packet loss {pct} to {ip}"))),
        (("NOTICE", "thermal throttling on: cpu clock limited to 800 MHz"),
         (("ERROR", "deadline exceeded for task {uuid} after {ms}0 ms"), ("WARN", "heartbeat late by {ms} ms"))),
    ), host=True),
    Story("skew", (
        (("NOTICE", "ntpd: time stepped by a large offset, peer unreachable"),
         (("ERROR", "token for user={user} is not yet valid"), ("ERROR", "lease {hex} expired before it began"))),
        (("INFO", "chronyd: system clock was stepped"),
         (("ERROR", "signature of request {uuid} rejected: timestamp outside tolerance"), ("WARN", "clock of peer {ip} disagrees"))),
    ), host=True, skew=420),
    Story("disk", (
        (("INFO", "debug capture enabled by support, writing to /var/log/capture.pcap"),
         (("ERROR", "write failed: No space left on device, file {path}"), ("ERROR", "checkpoint {id} could not be flushed"))),
        (("WARN", "logrotate: error: compress of app.log.1 failed, keeping it"),
         (("ERROR", "OSError: [Errno 28] No space left on device: {path}"), ("WARN", "dropping {n} records"))),
        (("INFO", "backup started: full dump to local volume"),
         (("ERROR", "could not extend file {path}: No space left on device"), ("ERROR", "insert of row {id} failed"))),
    )),
    Story("certificate", (
        (("WARN", "certificate CN=api.internal not after 2026-11-20 reached"),
         (("ERROR", "TLS handshake with {ip} failed: certificate has expired"), ("ERROR", "call {uuid} failed: SSLHandshake"))),
        (("INFO", "certificate renewal skipped: acme challenge file missing"),
         (("ERROR", "x509: certificate has expired or is not yet valid, peer {ip}"), ("WARN", "falling back to cached keys for {user}"))),
        (("INFO", "secret tls-gateway synced, issuer changed to internal-ca-2"),
         (("ERROR", "unable to get local issuer certificate while calling {ip}"), ("ERROR", "webhook {id} not delivered"))),
    )),
    Story("retry_storm", (
        (("WARN", "circuit breaker inventory forced closed by operator"),
         (("ERROR", "inventory call {uuid} failed after 5 retries"), ("WARN", "retry {n} of inventory call {uuid}"))),
        (("INFO", "retry policy changed: backoff 0 ms, attempts 50"),
         (("ERROR", "429 Too Many Requests from catalog for {ip}"), ("WARN", "retry queue length {id}"))),
        (("INFO", "cache cluster node 3 removed for maintenance"),
         (("ERROR", "cache stampede: loader for key {hex} timed out"), ("WARN", "reload of key {hex} attempt {n}"))),
    )),
    Story("cron", (
        (("INFO", "cron: started job vacuum-full while job nightly-export is running"),
         (("ERROR", "lock wait timeout exceeded on table ledger, statement {id}"), ("WARN", "statement {id} waits for a lock since {ms} ms"))),
        (("INFO", "CRON[4711]: (root) CMD (/usr/local/bin/rebuild-index --all)"),
         (("ERROR", "search shard {n} not responding within {ms} ms"), ("ERROR", "query {hex} cancelled"))),
        (("INFO", "scheduler: backup and reindex start in the same slot"),
         (("ERROR", "io wait too high, request {uuid} shed"), ("WARN", "disk queue {id}"))),
    )),
    Story("flag", (
        (("INFO", "feature flag new-pricing enabled for 100 percent by release-bot"),
         (("ERROR", "KeyError: 'tax_region' while pricing item {id}"), ("ERROR", "item {id} hidden from search"))),
        (("INFO", "flag async_checkout switched on for all tenants"),
         (("ERROR", "checkout {uuid} lost its session"), ("WARN", "session {hex} restored from backup"))),
        (("DEBUG", "experiment ranking-v7 assigned to all visitors"),
         (("ERROR", "ranking model returned no scores for user={user}"), ("ERROR", "fallback list served to {ip}"))),
    )),
    Story("dns", (
        (("INFO", "resolver configuration replaced: nameserver 10.0.0.2 removed"),
         (("ERROR", "could not resolve host ledger.internal: Name or service not known (request {id})"), ("ERROR", "transfer {uuid} postponed"))),
        (("WARN", "coredns: plugin/loop: loop detected, reloading"),
         (("ERROR", "lookup payments.svc.cluster.local: i/o timeout after {ms}0 ms"), ("WARN", "using stale address {ip}"))),
    )),
    Story("oom", (
        (("WARN", "memory limit of container lowered to 256Mi by autoscaler"),
         (("ERROR", "worker {n} was killed by signal 9"), ("ERROR", "batch {id} has no worker left"))),
        (("INFO", "loading embedding model large-v3 into each worker"),
         (("ERROR", "Out of memory: Killed process {id} (python3)"), ("WARN", "restarting worker {n}"))),
    )),
    Story("rate_limit", (
        (("INFO", "api key partner-77 created with unlimited quota"),
         (("ERROR", "rate limit exceeded for tenant shared, request {uuid} dropped"), ("WARN", "throttling {ip}"))),
        (("INFO", "bulk import of 4 million rows accepted from partner acme"),
         (("ERROR", "ingest queue full, message {hex} rejected"), ("WARN", "ingest lag {ms} s"))),
    )),
    Story("migration", (
        (("INFO", "migration 0142_add_index_orders: ALTER TABLE orders started"),
         (("ERROR", "deadlock detected on relation orders, process {id}"), ("ERROR", "checkout of basket {id} timed out"))),
        (("INFO", "schema change 88: column customer.email dropped"),
         (("ERROR", "column customer.email does not exist, statement {id}"), ("ERROR", "profile of user={user} could not be loaded"))),
    )),
    Story("upstream", (
        (("NOTICE", "upstream bank-gateway announced maintenance, switching to secondary"),
         (("ERROR", "connect to {ip} port 8443 refused"), ("ERROR", "settlement {uuid} failed: gateway unavailable"))),
        (("INFO", "egress policy updated: default deny"),
         (("ERROR", "connection to {ip} timed out after {ms}00 ms"), ("WARN", "provider geo marked down"))),
    )),
)  # fmt: skip
ACCESS = (
    (
        ("INFO", "POST /admin/flags/new-checkout 200"),
        (("ERROR", "GET /api/v1/orders/{id} 503"), ("ERROR", "POST /api/v1/checkout 502")),
    ),
    (
        ("INFO", "PUT /internal/config/pool-size 204"),
        (("ERROR", "GET /api/v1/search 504"), ("WARN", "GET /api/v1/items/{id} 429")),
    ),
    (("INFO", "DELETE /cache/all 200"), (("ERROR", "GET /products/{id} 500"), ("ERROR", "GET /home 500"))),
)
HARMLESS = (
    "config reloaded: no changes", "maintenance window note acknowledged by operator", "log level of module audit is INFO", "operator logged in from console",
    "certificate check: 61 days left", "feature flag banner-text updated by marketing",
)  # fmt: skip
