# docker build -t clrx . && docker run --rm -v "$PWD/outputs:/home/clrx/outputs" clrx train
# With a GPU: docker run --gpus all ...; without one the same image runs on the CPU.
FROM python:3.12-slim

RUN useradd --create-home clrx
WORKDIR /src
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY clrx clrx
COPY conf conf
COPY hydra_plugins hydra_plugins
# With byte code: the user below cannot write any, and without it every start compiles 3,000 files.
RUN pip install --no-cache-dir uv && uv pip install --system --no-cache --compile-bytecode . && rm -rf /src

USER clrx
WORKDIR /home/clrx
ENV CLRX_CACHE=/home/clrx/.cache/clrx
ENTRYPOINT ["clrx"]
CMD ["--help"]
