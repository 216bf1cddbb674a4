// SPDX-License-Identifier: Apache-2.0
/* Counters by the words of history. */
#include "services/lock/count.h"

#include <string.h>

#include "common/metrics/metrics.h"

static struct {
	const char *word, *labels;
	struct metric *metric;
} words[] = {
	{"granted", "event=\"granted\"", NULL},
	{"waiting", "event=\"waiting\"", NULL},
	{"busy", "event=\"busy\"", NULL},
	{"refused", "event=\"refused\"", NULL},
	{"cancelled", "event=\"cancelled\"", NULL},
	{"released", "event=\"released\"", NULL},
	{"quarantine", "event=\"quarantine\"", NULL},
	{"attention", "event=\"attention\"", NULL},
	{"ended", "event=\"ended\"", NULL},
	{"violation_observed", "event=\"violation_observed\"", NULL},
};
static struct metric *lost;

void count_start(void)
{
	for (size_t i = 0; i < array_len(words); i++)
		words[i].metric = metric_counter(
			"carnet_lock_events_total", words[i].labels, "What happened to requests");
	lost = metric_counter("carnet_lock_lost_total", "",
		"Renewals and releases of locks that were not live under their token");
}

void count_events(const struct ledger *l)
{
	for (size_t i = 0; i < l->events_n; i++)
		for (size_t k = 0; k < array_len(words); k++)
			if (strcmp(words[k].word, l->events[i].word) == 0)
				metric_add(words[k].metric, 1);
}

void count_lost(size_t n)
{
	metric_add(lost, (int64_t)n);
}
