#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Runs the fuzz target over the files of the corpus: what was found once stays fixed.

set -eu

exec "${top_builddir:-.}/tests/fuzz/fuzz_scan" "${top_srcdir:-.}"/tests/fuzz/corpus/*
