#!/bin/bash
# SPDX-License-Identifier: MIT

# The peer xargs: one run of one workload, one line of JSON.

# shellcheck source=tests/bench/peers/commands.sh
. "$(dirname "$0")/commands.sh"

parse "$@"
need xargs findutils
# shellcheck disable=SC2154 # parse() has set it
run_workload xargs -P "$workers" -n 1 /bin/true
