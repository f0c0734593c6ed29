#!/bin/sh
# Install the programs that benchmarks/engines.py compares with imgxlate, beside imgxlate:
#
#     sh benchmarks/install_peers.sh                            # for `python`
#     PYTHON=.venv/bin/python sh benchmarks/install_peers.sh    # for the environment that `make` prepared
set -eu
exec "${PYTHON:-python}" -m pip install \
    'onnx>=1.23' 'onnxruntime>=1.26' 'onnxscript>=0.7' \
    'openvino>=2026.4' \
    'ncnn>=1.0.20261020' 'pnnx>=20261020'
