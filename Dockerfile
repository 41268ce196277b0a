# One image for every service and for the console; what runs is the command.
FROM python:3.12-slim-bookworm
WORKDIR /app
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY shared ./shared
COPY services ./services
COPY deploy ./deploy
RUN pip install --no-cache-dir hatchling editables && pip install --no-cache-dir --no-deps --no-build-isolation . \
    && useradd --system --no-create-home trappetrin
USER trappetrin
ENV TRAPPETRIN_HTTP_HOST=0.0.0.0 PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/live', timeout=2)"]
ENTRYPOINT ["python", "-m"]
CMD ["services.cli.main", "--help"]
