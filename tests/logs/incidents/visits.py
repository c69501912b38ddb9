"""Incidents as an access log alone shows them: one request is the cause, and then other statuses."""

from tests.logs.incidents.story import Story, error, info, warn

VISITS = (
    Story(
        "deploy",
        info("web", "POST /admin/reload?release={version}|202"),
        (error("web", "GET /checkout/{n}/price|500", 3), error("web", "POST /checkout/{n}|500", 1)),
        '/price HTTP/1.1" 500 ',
    ),
    Story(
        "pool",
        info("web", "PATCH /admin/settings?db.pool.max=20|204"),
        (error("web", "GET /account/{n}/orders|503", 3), error("web", "POST /account/{n}/orders|504", 1)),
        '/orders HTTP/1.1" 503 ',
    ),
    Story(
        "flag",
        info("web", "PUT /internal/flags/lazy-images?state=on|200"),
        (warn("web", "GET /media/thumb/{hex}.webp|404", 4), error("web", "GET /media/full/{hex}.webp|502", 1)),
        '.webp HTTP/1.1" 404 ',
    ),
    Story(
        "cron",
        info("web", "POST /jobs/reindex/run?mode=full|202"),
        (error("web", "GET /find?q={short}|504", 3), warn("web", "GET /find/suggest?q={short}|499", 2)),
        '" 504 ',
    ),
    Story(
        "migration",
        info("web", "POST /admin/migrate?to=0187&lock=true|202"),
        (error("web", "POST /sales/{n}|503", 3), error("web", "PUT /sales/{n}/lines|503", 1)),
        '" 503 ',
    ),
    Story(
        "certificate",
        info("web", "PUT /admin/tls/payments/reload|200"),
        (error("web", "POST /pay/{uuid}|502", 3), error("web", "GET /pay/{uuid}/state|502", 1)),
        "POST /pay/",
    ),
    Story(
        "ratelimit",
        info("web", "GET /api/v1/export?all=true&pages=9000|200|10.77.3.9|bulk-export/1.0"),
        (
            warn("web", "GET /api/v1/export?page={n}|429|10.77.3.9|bulk-export/1.0", 4),
            error("web", "GET /api/v1/basket/{n}|503", 1),
        ),
        '" 429 ',
    ),
)
