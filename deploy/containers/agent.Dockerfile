# The JMX agent that tells Prometheus of the broker: fetched by Maven, held against the sum that is known, and put into the
# folder that the broker shares. The broker itself runs in its official image as it is.
FROM maven:3.9-eclipse-temurin-21 AS fetched
ARG AGENT=1.0.1
ARG SUM=7d61f737fd661610ccc14aea79764faa1ea94a340cbc8f0029b3d2edea3d80c1
RUN mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact=io.prometheus.jmx:jmx_prometheus_javaagent:${AGENT} -DoutputDirectory=/agent -Dmdep.stripVersion=true \
    && echo "${SUM}  /agent/jmx_prometheus_javaagent.jar" | sha256sum --check

FROM debian:bookworm-slim
COPY --from=fetched /agent/jmx_prometheus_javaagent.jar /agent/
# So that the folder, where it is made, belongs to whom it is filled by.
RUN mkdir /shared && chown 10001:10001 /shared
USER 10001:10001
CMD ["cp", "/agent/jmx_prometheus_javaagent.jar", "/shared/"]
