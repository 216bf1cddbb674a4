// SPDX-License-Identifier: Apache-2.0
/* Counters, gauges and histograms, rendered in the Prometheus text format 0.0.4.
 * Metrics are made once at start and never freed. Updates are atomic, from any thread. */
#pragma once

#include "common/base/buf.h"

struct metric;

/* labels: "" or ready text such as "state=\"failed\"". Same name and labels → the same metric. */
struct metric *metric_counter(const char *name, const char *labels, const char *help);
struct metric *metric_gauge(const char *name, const char *labels, const char *help);
/* bounds: upper bounds in ascending order, in the metric's unit; n ≤ 16. */
struct metric *metric_histogram(
	const char *name, const char *labels, const char *help, const double *bounds, size_t n);

void metric_add(struct metric *m, int64_t n);
void metric_set(struct metric *m, int64_t n);
void metric_observe(struct metric *m, double value);
int64_t metric_value(const struct metric *m);

/* Appends all metrics of the process. */
void metrics_render(struct buf *out);
