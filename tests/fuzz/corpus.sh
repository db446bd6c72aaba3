#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the fuzz targets over the files of their corpus: what was found once stays fixed.

set -eu

"${top_builddir:-.}/tests/fuzz/fuzz_scan" "${top_srcdir:-.}"/tests/fuzz/corpus/*
"${top_builddir:-.}/tests/fuzz/fuzz_config" "${top_srcdir:-.}"/tests/fuzz/corpus-config/*
