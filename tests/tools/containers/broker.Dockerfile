# Stands in for the image eclipse-mosquitto: Debian 13's broker, with that image's user and folders.
ARG BASE
FROM ${BASE}
RUN groupadd --system --gid 1883 mosquitto && useradd --system --uid 1883 --gid 1883 --no-create-home mosquitto \
    && apt-get update && apt-get install --yes --no-install-recommends mosquitto netcat-openbsd \
    && rm -rf /var/lib/apt/lists/* \
    && mkdir -p /mosquitto/config /mosquitto/data && chown -R 1883:1883 /mosquitto
VOLUME /mosquitto/data
ENTRYPOINT ["/usr/sbin/mosquitto", "-c", "/mosquitto/config/mosquitto.conf"]
