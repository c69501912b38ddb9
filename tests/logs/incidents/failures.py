"""Incidents that began by themselves: leaks, hosts, clocks, disks, dependencies, names, memory, retries."""

from tests.logs.incidents.story import Course, Story, error, info, warn

FAILURES = (
    Story(
        "leak",
        info("deployer", "gateway {version} started on all nodes (response cache without limit)"),
        (
            warn("gateway", "slow response {slow} ms on route {n}, old generation {high}% full", 3),
            error("gateway", "request {uuid} abandoned after 10000 ms", 1, "TimeoutException"),
        ),
        "slow response",
        Course.GROWTH,
        (30, 170),
    ),
    Story(
        "leak",
        warn("search", "resident memory passed the soft limit, {mb} MB in {small} arenas"),
        (
            warn("search", "query {hex} paused {slow} ms while memory was reclaimed", 3),
            error("search", "cannot allocate {mb} MB for result set", 1, "MemoryError"),
        ),
        "while memory was reclaimed",
        Course.GROWTH,
        (0, 20),
    ),
    Story(
        "leak",
        info("supervisor", "worker image {short} active, max_requests_per_child 1000 -> 0"),
        (
            warn("worker", "open file descriptors at {high}% of limit, pid {port}", 2),
            error("worker", "accept failed: Too many open files, peer={ip}", 2, "OSError"),
        ),
        "open file descriptors at",
        Course.GROWTH,
        (30, 170),
    ),
    Story(
        "host",
        warn("kernel", "sd 2:0:0:0: [sdb] Unaligned partial completion (resid={n}) on {bad}"),
        (
            error("storage", "write to shard {small} failed on {bad}: Input/output error", 3, "IOException"),
            warn("storage", "replica {bad} is lagging by {slow} ms", 1),
        ),
        "Input/output error",
        one_host=True,
    ),
    Story(
        "host",
        info("kernel", "eth0: link is up, 100 Mbps full duplex on {bad}"),
        (
            error("cache", "{bad} sent {small} retransmits, request {uuid} timed out", 3, "TimeoutException"),
            warn("cache", "{bad} answered GET item:{n} in {slow} ms", 2),
        ),
        "retransmits, request",
        one_host=True,
    ),
    Story(
        "host",
        info("kubelet", "{bad} cpu governor set to powersave by thermal policy"),
        (
            warn("render", "frame {n} took {slow} ms on {bad}", 3),
            error("render", "job {uuid} missed its deadline on {bad}", 1),
        ),
        "missed its deadline on",
        one_host=True,
    ),
    Story(
        "skew",
        warn("chronyd", "System clock on {bad} wrong by 183.402144 seconds, stepping"),
        (
            error("auth", "token of {user} used before issued, iat is in the future", 3, "InvalidTokenError"),
            warn("gateway", "request {uuid} answered 401", 1),
        ),
        "used before issued",
        delay=(0, 60),
        skew=183,
    ),
    Story(
        "skew",
        info("ntpd", "{bad} time reset -247.118 s, new source {ip}"),
        (
            error("ledger", "entry {n} is older than its predecessor, refused", 2, "OrderingViolation"),
            warn("stream", "event {hex} dropped: late by {slow} ms", 2),
        ),
        "older than its predecessor",
        delay=(0, 60),
        skew=-247,
    ),
    Story(
        "skew",
        info("systemd-timesyncd", "initial synchronization to 10.0.0.9 on {bad}, clock stepped by 92 s"),
        (
            error("sessions", "lease {short} already expired when granted, holder {ip}", 3),
            warn("sessions", "leader changed, term {n}", 1),
        ),
        "already expired when granted",
        delay=(0, 60),
        skew=92,
    ),
    Story(
        "disk",
        info("logrotate", "error: compress failed for /var/log/app/trace.log, keeping {mb} MB uncompressed"),
        (
            error("media", "cannot write {path}: No space left on device", 3, "IOException"),
            error("media", "upload {uuid} of {user} failed with 507", 1),
        ),
        "No space left on device",
    ),
    Story(
        "disk",
        info("profiler", "trace level set to full on /data/traces by {user}"),
        (
            error(
                "indexer",
                "flush of segment {short} failed, disk usage exceeded flood-stage watermark",
                3,
                "FlushException",
            ),
            warn("indexer", "index items is read-only, document {n} rejected", 2),
        ),
        "exceeded flood-stage watermark",
    ),
    Story(
        "disk",
        warn("kubelet", "image garbage collection freed 0 bytes of {mb} MB wanted on nodefs"),
        (
            error("runner", "pod {short} evicted: node was low on ephemeral-storage", 2),
            warn("runner", "job {n} put back to queue", 2),
        ),
        "low on ephemeral-storage",
    ),
    Story(
        "retry",
        info("client", "retry policy loaded: attempts=10 backoff=none jitter=off"),
        (
            warn("gateway", "retry {small} of 10 for request {uuid}", 4),
            error("payments", "overloaded, shed request {uuid} after {ms} ms", 2),
        ),
        "of 10 for request",
    ),
    Story(
        "retry",
        warn("broker", "consumer group settle lost its coordinator, all members rejoin"),
        (
            error("consumer", "commit of offset {n} failed: rebalance in progress", 3, "CommitFailedException"),
            warn("consumer", "message {uuid} delivered again (attempt {small})", 3),
        ),
        "rebalance in progress",
    ),
    Story(
        "retry",
        info("mobile-config", "clients from {version} resend pending events on connect"),
        (
            error("ingest", "queue full, refused batch {hex} from {ip}", 2),
            warn("ingest", "duplicate batch {hex} from {ip} ignored", 4),
        ),
        "queue full, refused batch",
    ),
    Story(
        "upstream",
        warn("payments", "circuit to acquirer changed state CLOSED -> OPEN"),
        (
            error("payments", "acquirer not reachable: connection refused ({ip}:{port})", 3, "ConnectException"),
            warn("checkout", "payment of basket {n} put on hold", 1),
        ),
        "acquirer not reachable",
        delay=(0, 45),
    ),
    Story(
        "upstream",
        info("sentinel", "+switch-master cache-main {ip} 6379, new master has role replica"),
        (
            error("sessions", "READONLY You can not write against a read only replica, key={hex}", 3, "ResponseError"),
            warn("gateway", "session of {user} not saved", 1),
        ),
        "READONLY You can not write",
        delay=(0, 60),
    ),
    Story(
        "upstream",
        info("statuspage", "provider geo-lookup announces maintenance in {zone}, started"),
        (
            error("shipping", "geo-lookup answered 503 Service Unavailable for parcel {n}", 3, "HttpServerError"),
            warn("shipping", "used default tariff for parcel {n}", 2),
        ),
        "geo-lookup answered 503",
    ),
    Story(
        "dns",
        info("coredns", "reloading configuration, forward zone internal removed"),
        (
            error("gateway", "getaddrinfo ENOTFOUND inventory.internal for request {uuid}", 3, "UnknownHostException"),
            warn("gateway", "kept stale address {ip} for inventory", 1),
        ),
        "getaddrinfo ENOTFOUND",
        delay=(0, 90),
    ),
    Story(
        "dns",
        warn("resolved", "server {ip} does not answer, switching to {ip}"),
        (
            error("mailer", "temporary failure in name resolution, recipient domain of mail {uuid}", 2, "gaierror"),
            warn("mailer", "lookup took {slow} ms", 3),
        ),
        "temporary failure in name resolution",
        delay=(0, 60),
    ),
    Story(
        "dns",
        info("consul", "agent left the cluster gracefully: consul-2, quorum 2 of 3"),
        (
            error("discovery", "no healthy instance of billing found, caller {ip}", 3),
            error("orders", "order {n} not billed: service unknown", 2, "NoSuchServiceException"),
        ),
        "no healthy instance of billing",
    ),
    Story(
        "memory",
        info("jvm", "using serial collector: {small} processors, heap 512M"),
        (
            warn("jvm", "GC pause (Allocation Failure) {slow} ms", 2),
            error("orders", "heartbeat missed for {slow} ms, order {n} taken from us", 2, "TimeoutException"),
        ),
        "GC pause (Allocation Failure)",
    ),
    Story(
        "memory",
        warn("kernel", "Memory cgroup out of memory: Killed process {port} (catalogue) total-vm:{n}kB"),
        (
            error("gateway", "connection refused by catalogue at {ip}:{port}, request {uuid}", 3, "ConnectException"),
            warn("gateway", "served item {n} from stale cache", 2),
        ),
        "connection refused by catalogue",
        delay=(0, 40),
    ),
    Story(
        "memory",
        info("catalogue", "preloading all price lists into memory ({n} rows), requested by {user}"),
        (
            error(
                "catalogue", "java.lang.OutOfMemoryError: Java heap space while pricing item {n}", 2, "OutOfMemoryError"
            ),
            warn("catalogue", "request {uuid} waited {slow} ms for a thread", 3),
        ),
        "Java heap space while pricing",
    ),
)
