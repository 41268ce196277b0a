# One of Debian's monitoring programs, as whom and where the official images have it.
FROM debian:bookworm-slim
ARG PACKAGE
RUN apt-get update \
    && apt-get install -y --no-install-recommends wget ${PACKAGE} \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s /usr/bin/${PACKAGE} /usr/local/bin/program
ARG DATA=/data
RUN install -d -o nobody -g nogroup ${DATA}
WORKDIR ${DATA}
USER nobody
ENTRYPOINT ["/usr/local/bin/program"]
