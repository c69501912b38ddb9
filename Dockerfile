# The bot without the local stand-ins, with the libraries of its scripts built in. Run it with
# `--security-opt seccomp=bot/sandbox/container_seccomp.json`: Docker's default profile denies namespaces, and scripts then run in the
# landlock tier.
FROM python:3.11-slim-bookworm

# bwrap leaves orphans, which the container's first process must reap: tini does, the bot does not.
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 workings && mkdir /data && chown workings /data
WORKDIR /app
COPY pyproject.toml README.md LICENSE manifest.yml ./
COPY bot bot
RUN python -m venv .venv && .venv/bin/pip install --no-cache-dir uv==0.13.9 \
    && .venv/bin/uv sync --no-dev --inexact --no-cache --compile-bytecode
ENV BOT_DATA=/data BOT_HEALTH_HOST=0.0.0.0 BOT_HEALTH_PORT=8080 PATH=/app/.venv/bin:$PATH
# The libraries stand beside the code, because a volume covers the data folder. The bot can change neither.
RUN UV_NO_CACHE=1 python -c "import asyncio, pathlib, sys; from bot.sandbox.runtime import RuntimeBuild; \
    asyncio.run(RuntimeBuild(pathlib.Path(sys.prefix)).build(print))"

USER workings
ENV HOME=/home/workings
VOLUME /data
HEALTHCHECK --interval=30s --timeout=3s --start-period=30s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"
ENTRYPOINT ["tini", "--"]
CMD ["workings", "serve"]
