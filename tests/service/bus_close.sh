#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# See bus_close.c
exec "${B:-build}/tests/service/bus_close"
