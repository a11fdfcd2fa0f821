# A machine without a GPU, or with one that is not to be used:
#     docker build --tag videobert .
#     docker run --rm --volume "$PWD:/work" videobert extract videos --work work
# torch's usual wheels carry CUDA. Where an index has smaller ones: --build-arg PIP_EXTRA_INDEX_URL=...
FROM python:3.12-slim AS built
ARG PIP_EXTRA_INDEX_URL=
WORKDIR /source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY workfolder ./workfolder
COPY feature_extraction ./feature_extraction
COPY tokenization ./tokenization
COPY videobert ./videobert
RUN python -m venv /opt/videobert \
    && /opt/videobert/bin/python -m pip install --no-cache-dir --constraint constraints.txt \
    '.[export,faster-whisper,gs,hdf5,openvino,page,s3,timm,trackio]'

FROM python:3.12-slim
COPY --from=built /opt/videobert /opt/videobert
# Caches go to HOME, whoever the container runs as.
RUN useradd --create-home cook && chmod 777 /home/cook
ENV HOME=/home/cook PATH=/opt/videobert/bin:$PATH
USER cook
WORKDIR /work
ENTRYPOINT ["videobert"]
