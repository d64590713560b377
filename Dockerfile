# The page in a container:
#     docker build -t ddad . && docker run -p 7860:7860 --memory 6g -v ddad:/data ddad
# For PyTorch's smaller CPU build: --build-arg TORCH_INDEX=<index of PyTorch's CPU wheels>
FROM python:3.12-slim

ARG TORCH_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 1000 ddad && mkdir /data && chown ddad /data
WORKDIR /app
COPY requirements.lock .
# The lock names every package and every file's digest; PyTorch's build depends on the machine.
RUN pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "torch>=2.8,<2.14" \
    && pip install --require-hashes --no-deps -r requirements.lock
COPY app.py pyproject.toml README.md LICENSE ./
COPY ddad ddad
COPY demo demo
COPY checkpoints checkpoints
COPY deploy deploy

USER ddad
ENV GRADIO_SERVER_NAME=0.0.0.0 GRADIO_SERVER_PORT=7860 GRADIO_ANALYTICS_ENABLED=0 \
    DDAD_WORK=/data
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "deploy/health.py"]
CMD ["python", "app.py"]
