# What Kafka and Maven stand on. Java's package links manual pages into a folder that a slim image has not.
FROM debian:bookworm-slim
RUN apt-get update \
    && mkdir -p /usr/share/man/man1 \
    && apt-get install -y --no-install-recommends default-jre-headless \
    && rm -rf /var/lib/apt/lists/*
