// SPDX-License-Identifier: Apache-2.0
/* Counters, gauges and histograms in the Prometheus text format 0.0.4. */
#include "common/metrics/metrics.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define BOUNDS_MAX 16

enum kind { COUNTER, GAUGE, HISTOGRAM };

struct metric {
	struct metric *next; /* those of one name stand together: the format wants it */
	enum kind kind;
	char *name;
	char *labels;
	char *help;
	_Atomic int64_t value; /* of a histogram: the number of observations */
	size_t n_bounds;
	double bounds[BOUNDS_MAX];
	_Atomic uint64_t
		buckets[BOUNDS_MAX]; /* not cumulative; above the last bound: only in value */
	_Atomic uint64_t sum_bits;   /* of the double */
};

static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct metric *metrics;

/* Where a metric of that name belongs, or *ret_found when it is there already. */
static struct metric **place(const char *name, const char *labels, struct metric **ret_found)
{
	struct metric **at = &metrics;
	struct metric **end_of_name = NULL;

	for (; *at != NULL; at = &(*at)->next) {
		if (strcmp((*at)->name, name) != 0)
			continue;
		if (strcmp((*at)->labels, labels) == 0)
			*ret_found = *at;
		end_of_name = &(*at)->next;
	}
	return end_of_name != NULL ? end_of_name : at;
}

static struct metric *make(enum kind kind, const char *name, const char *labels, const char *help,
	const double *bounds, size_t n)
{
	struct metric *m = NULL;

	bug_if(n > BOUNDS_MAX);
	pthread_mutex_lock(&registry);
	struct metric **at = place(name, labels, &m);
	if (m == NULL) {
		m = mem_alloc(sizeof(*m));
		m->kind = kind;
		m->name = mem_strdup(name);
		m->labels = mem_strdup(labels);
		m->help = mem_strdup(help);
		m->n_bounds = n;
		for (size_t i = 0; i < n; i++)
			m->bounds[i] = bounds[i];
		m->next = *at;
		*at = m;
	}
	pthread_mutex_unlock(&registry);
	bug_if(m->kind != kind);
	return m;
}

struct metric *metric_counter(const char *name, const char *labels, const char *help)
{
	return make(COUNTER, name, labels, help, NULL, 0);
}

struct metric *metric_gauge(const char *name, const char *labels, const char *help)
{
	return make(GAUGE, name, labels, help, NULL, 0);
}

struct metric *metric_histogram(
	const char *name, const char *labels, const char *help, const double *bounds, size_t n)
{
	return make(HISTOGRAM, name, labels, help, bounds, n);
}

void metric_add(struct metric *m, int64_t n)
{
	atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t n)
{
	atomic_store_explicit(&m->value, n, memory_order_relaxed);
}

static double from_bits(uint64_t bits)
{
	double d;

	memcpy(&d, &bits, sizeof(d));
	return d;
}

static uint64_t to_bits(double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

void metric_observe(struct metric *m, double value)
{
	uint64_t old = atomic_load_explicit(&m->sum_bits, memory_order_relaxed);

	for (size_t i = 0; i < m->n_bounds; i++) {
		if (value <= m->bounds[i]) {
			atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
			break;
		}
	}
	while (!atomic_compare_exchange_weak(&m->sum_bits, &old, to_bits(from_bits(old) + value)))
		;
	metric_add(m, 1);
}

int64_t metric_value(const struct metric *m)
{
	return atomic_load_explicit(&m->value, memory_order_relaxed);
}

static void render_head(struct buf *out, const struct metric *m)
{
	static const char *const words[] = {"counter", "gauge", "histogram"};

	buf_addf(out, "# HELP %s ", m->name);
	for (const char *p = m->help; *p != '\0'; p++) {
		if (*p == '\\' || *p == '\n')
			buf_addc(out, '\\');
		buf_addc(out, *p == '\n' ? 'n' : *p);
	}
	buf_addf(out, "\n# TYPE %s %s\n", m->name, words[m->kind]);
}

static void render_bucket(struct buf *out, const struct metric *m, const char *le, uint64_t count)
{
	buf_addf(out, "%s_bucket{%s%sle=\"%s\"} %" PRIu64 "\n", m->name, m->labels,
		m->labels[0] != '\0' ? "," : "", le, count);
}

static void render_histogram(struct buf *out, const struct metric *m)
{
	const char *open = m->labels[0] != '\0' ? "{" : "";
	const char *shut = m->labels[0] != '\0' ? "}" : "";
	uint64_t count = (uint64_t)metric_value(m);
	uint64_t below = 0;
	struct buf le = BUF_INIT;

	for (size_t i = 0; i < m->n_bounds; i++) {
		below += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
		buf_reset(&le);
		buf_addf(&le, "%g", m->bounds[i]);
		render_bucket(out, m, buf_str(&le), below);
	}
	buf_fini(&le);
	/* observed meanwhile by another thread: buckets are counted first */
	count = count < below ? below : count;
	render_bucket(out, m, "+Inf", count);
	buf_addf(out, "%s_sum%s%s%s %.9g\n", m->name, open, m->labels, shut,
		from_bits(atomic_load_explicit(&m->sum_bits, memory_order_relaxed)));
	buf_addf(out, "%s_count%s%s%s %" PRIu64 "\n", m->name, open, m->labels, shut, count);
}

static void render_number(struct buf *out, const struct metric *m)
{
	buf_adds(out, m->name);
	if (m->labels[0] != '\0')
		buf_addf(out, "{%s}", m->labels);
	buf_addf(out, " %" PRId64 "\n", metric_value(m));
}

void metrics_render(struct buf *out)
{
	const char *name = "";

	pthread_mutex_lock(&registry);
	for (const struct metric *m = metrics; m != NULL; m = m->next) {
		if (strcmp(m->name, name) != 0)
			render_head(out, m);
		name = m->name;
		if (m->kind == HISTOGRAM)
			render_histogram(out, m);
		else
			render_number(out, m);
	}
	pthread_mutex_unlock(&registry);
}
