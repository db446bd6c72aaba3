#!/bin/bash
# SPDX-License-Identifier: MIT

# The peer GNU parallel: one run of one workload, one line of JSON.

# shellcheck source=tests/bench/peers/commands.sh
. "$(dirname "$0")/commands.sh"

parse "$@"
need parallel parallel

# It keeps notes about the host in its home.
PARALLEL_HOME=$(mktemp -d) || exit 1
export PARALLEL_HOME
trap 'rm -rf "$PARALLEL_HOME"' EXIT
trap 'exit 1' INT TERM HUP

# Ungrouped: without temporary files for the output of each command.
# shellcheck disable=SC2154 # parse() has set it
run_workload parallel --will-cite --ungroup -j "$workers" /bin/true
