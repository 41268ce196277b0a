# One image for every service and for the console; what runs is the command. Debian's own Python, the version that
# the lock files are made for (docs/decisions/0053): its updates mend it, and neither pip nor a compiler is in the image.
FROM debian:bookworm-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3-venv postgresql-client-15 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
RUN python3 -m venv tools \
    && tools/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-build.lock \
    && python3 -m venv --without-pip /opt/trappetrin \
    && tools/bin/pip --python /opt/trappetrin/bin/python install --no-cache-dir --disable-pip-version-check --only-binary=:all: --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY data ./data
COPY deploy ./deploy
COPY shared ./shared
COPY services ./services
RUN tools/bin/pip wheel --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/pip --python /opt/trappetrin/bin/python install --disable-pip-version-check --no-deps --no-index wheels/*.whl

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 tzdata libpq5 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
COPY --from=build /opt/trappetrin /opt/trappetrin
# For `trappetrin backup` and `restore`, of the server's version; by themselves, since their package brings Perl along.
COPY --from=build /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_restore /usr/local/bin/
COPY deploy/containers/healthy.py /opt/trappetrin/healthy.py
ENV PATH=/opt/trappetrin/bin:/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 PYTHONUNBUFFERED=1 TRAPPETRIN_HTTP_HOST=0.0.0.0
# A number, so that who runs it sees without looking into the image that it is not root.
USER 10001:10001
EXPOSE 8000
# Live, and not ready: where something restarts what is unhealthy, only that helps which a restart helps.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python3", "-I", "-S", "/opt/trappetrin/healthy.py", "/live"]
CMD ["trappetrin", "--help"]
# Last, since they differ from build to build and all above does not.
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Trappetrin" \
      org.opencontainers.image.description="Monitors social housing estates, places them on a staircase and decides on offered homes, event by event" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.documentation="docs/containers.md" \
      org.opencontainers.image.base.name="debian:bookworm-slim"
