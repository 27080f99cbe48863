# docker build -t clrx . && docker run --rm -v "$PWD/outputs:/home/clrx/outputs" clrx train
# With a GPU: docker run --gpus all ...; without one the same image runs on the CPU.
#
# Every package is installed by its version and hash (constraints/). The base is named by its tag; to have it by its
# digest too: docker build --build-arg BASE=python:3.12-slim@sha256:DIGEST, as `docker buildx imagetools inspect
# python:3.12-slim` prints it.
ARG BASE=python:3.12-slim
FROM ${BASE}

RUN useradd --create-home clrx
WORKDIR /src
COPY constraints constraints
RUN pip install --no-cache-dir --require-hashes -r constraints/build.txt \
    && pip install --no-cache-dir --require-hashes --no-build-isolation -r constraints/run.txt
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY clrx clrx
COPY conf conf
COPY hydra_plugins hydra_plugins
# pip compiles byte code: the user below cannot write any, and without it every start would compile 3,000 files.
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && rm -rf /src

USER clrx
WORKDIR /home/clrx
ENV CLRX_CACHE=/home/clrx/.cache/clrx
ENTRYPOINT ["clrx"]
CMD ["--help"]
