# One image for every service of docker-compose.yml; the command says which. Made in two steps, so that pip and its
# leftovers stay behind.
FROM python:3.13.9-slim-trixie AS build
WORKDIR /src
RUN python -m venv /opt/borough
# The dependencies first: they change seldom, and this layer is then kept.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir devices store ingest analytics dashboard simulators borough \
    && /opt/borough/bin/pip install --no-cache-dir --constraint constraints.txt '.[pdf]' \
    && /opt/borough/bin/pip uninstall --yes borough-telemetry
COPY . .
RUN /opt/borough/bin/pip install --no-cache-dir --no-deps . && rm -rf /opt/borough/lib/python3.13/site-packages/pip*

FROM python:3.13.9-slim-trixie
# Letters are to people whose names are in any script (docs/how-to/send-letters.md).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-core fonts-droid-fallback \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin borough
COPY --from=build /opt/borough /opt/borough
ENV PATH=/opt/borough/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["borough"]
CMD ["--help"]
