// SPDX-License-Identifier: Apache-2.0
/* One JSON line per event on stderr: escaped, bounded, rate limited, repeats folded. */
#include "common/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock/clock.h"
#include "common/text/utf8.h"

#define LINE_MAX_BYTES ((size_t)8 * 1024)
#define TEXT_MAX_BYTES ((size_t)1024) /* of one field: text of devices is cut here (T25) */
#define LINES_PER_SECOND 10000u
#define TAIL_ROOM 32 /* for ,"cut":true} and the newline */

/* A line under construction; a field that does not fit is taken back whole. */
struct line {
	char text[LINE_MAX_BYTES];
	size_t n;
	bool full; /* the field being written does not fit */
	bool cut;  /* some field was left out or shortened */
};

static struct {
	pthread_mutex_t mutex;
	char service[32];
	char instance[64];
	enum log_level min;
	const char *(*fault_name)(int code);
	/* rate: lines of the current second */
	uint64_t second;
	unsigned lines;
	uint64_t dropped;
	/* folding: the last line written, without its time */
	char last[LINE_MAX_BYTES];
	size_t last_n;
	uint64_t last_ms;
	uint64_t repeats;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER, .service = "carnet", .min = LOG_INFO};

static void put(struct line *l, const char *s, size_t n)
{
	if (l->full || n > sizeof(l->text) - TAIL_ROOM - l->n) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->n, s, n);
	l->n += n;
}

static void puts_(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static void put_string(struct line *l, const char *text)
{
	size_t whole = strlen(text);
	size_t n = size_min(whole, TEXT_MAX_BYTES);
	const uint8_t *s = (const uint8_t *)text;
	char escape[8];

	put(l, "\"", 1);
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c = 0xfffd;
		len = utf8_read(s + i, whole - i, &c);
		if (len == 0) {
			len = 1;
			puts_(l, "\\ufffd");
		} else if (c == '"' || c == '\\') {
			put(l, "\\", 1);
			put(l, text + i, 1);
		} else if (utf8_deceives(c)) {
			(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)(c & 0xffff));
			puts_(l, escape);
		} else {
			put(l, text + i, len);
		}
	}
	if (whole > n) {
		puts_(l, "\xe2\x80\xa6");
		l->cut = true;
	}
	put(l, "\"", 1);
}

static void put_name(struct line *l, const char *name)
{
	put(l, ",", 1);
	put_string(l, name);
	put(l, ":", 1);
}

static void put_number(struct line *l, int64_t number)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, number);
	puts_(l, text);
}

static void put_fault(struct line *l, const struct fault *f)
{
	char code[16];

	(void)snprintf(code, sizeof(code), "CN-%04d", f->code);
	puts_(l, "{\"code\":");
	put_string(l, code);
	if (state.fault_name != NULL) {
		put_name(l, "name");
		put_string(l, state.fault_name(f->code));
	}
	if (f->reason[0] != '\0') {
		put_name(l, "reason");
		put_string(l, f->reason);
	}
	put_name(l, "detail");
	put_string(l, f->detail);
	put(l, "}", 1);
}

static void put_value(struct line *l, const struct log_field *f)
{
	char id[UUID_TEXT];

	switch (f->kind) {
	case LOG_NUMBER:
		put_number(l, f->number);
		break;
	case LOG_ID:
		put_string(l, f->id != NULL ? uuid_format(f->id, id) : "");
		break;
	case LOG_FAULT:
		if (f->fault != NULL)
			put_fault(l, f->fault);
		else
			puts_(l, "null");
		break;
	case LOG_EVENT:
	case LOG_TEXT:
	case LOG_END:
		if (f->text != NULL)
			put_string(l, f->text);
		else
			puts_(l, "null");
		break;
	}
}

static void put_field(struct line *l, const struct log_field *f)
{
	size_t before = l->n;

	put_name(l, f->kind == LOG_EVENT ? "event" : f->name);
	put_value(l, f);
	if (l->full) {
		l->n = before;
		l->full = false;
		l->cut = true;
	}
}

/* Everything after the time, from ,"level" to the newline. */
static void put_body(struct line *l, enum log_level level, const struct log_field *fields)
{
	static const char *const words[] = {"debug", "info", "warn", "error"};
	const struct log_field head[] = {L_STR("level", words[level]),
		L_STR("service", state.service), L_STR("instance", state.instance)};

	for (size_t i = 0; i < array_len(head); i++)
		put_field(l, &head[i]);
	for (; fields->kind != LOG_END; fields++)
		put_field(l, fields);
	const char *tail = l->cut ? ",\"cut\":true}\n" : "}\n";
	memcpy(l->text + l->n, tail, strlen(tail));
	l->n += strlen(tail);
}

static void write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nobody reads: there is nowhere to say so */
		p += done;
		n -= (size_t)done;
	}
}

/* One write(2) per line, so that lines of several processes on one pipe stay whole. */
static void emit(uint64_t now_ms, const struct line *body)
{
	char text[CLOCK_RFC3339 + 16 + LINE_MAX_BYTES];
	char ts[CLOCK_RFC3339];
	int head = snprintf(text, sizeof(text), "{\"ts\":\"%s\"", clock_rfc3339(now_ms, ts));

	memcpy(text + head, body->text, body->n);
	write_all(text, (size_t)head + body->n);
}

static void emit_count(uint64_t now_ms, const char *event, uint64_t *count)
{
	struct line l = {.n = 0};

	if (*count == 0)
		return;
	put_body(&l, LOG_WARN, LOG_FIELDS(L(event), L_INT("lines", *count)));
	emit(now_ms, &l);
	*count = 0;
}

/* Whether this second still has room; tells what was dropped when a new second begins. */
static bool within_rate(uint64_t now_ms)
{
	if (now_ms / 1000 != state.second) {
		state.second = now_ms / 1000;
		state.lines = 0;
		emit_count(now_ms, "log lines dropped", &state.dropped);
	}
	if (state.lines < LINES_PER_SECOND) {
		state.lines++;
		return true;
	}
	state.dropped++;
	return false;
}

/* Whether the line says again what the last one said, less than a second ago. */
static bool folded(uint64_t now_ms, const struct line *l)
{
	if (l->n == state.last_n && now_ms - state.last_ms < 1000 &&
		memcmp(l->text, state.last, l->n) == 0) {
		state.repeats++;
		return true;
	}
	emit_count(now_ms, "last line repeated", &state.repeats);
	memcpy(state.last, l->text, l->n);
	state.last_n = l->n;
	state.last_ms = now_ms;
	return false;
}

void log_setup(const char *service, const char *instance, enum log_level min)
{
	pthread_mutex_lock(&state.mutex);
	(void)snprintf(state.service, sizeof(state.service), "%s", service);
	(void)snprintf(state.instance, sizeof(state.instance), "%s", instance);
	state.min = min;
	pthread_mutex_unlock(&state.mutex);
}

void log_fault_names(const char *(*name)(int code))
{
	state.fault_name = name;
}

void log_write(enum log_level level, const struct log_field *fields)
{
	struct line l;
	int saved = errno;

	if (level < state.min)
		return;
	l.n = 0;
	l.full = l.cut = false;
	put_body(&l, level, fields);
	pthread_mutex_lock(&state.mutex);
	uint64_t now_ms = clock_wall_ms();
	if (!folded(now_ms, &l) && within_rate(now_ms))
		emit(now_ms, &l);
	pthread_mutex_unlock(&state.mutex);
	errno = saved;
}

void log_flush(void)
{
	pthread_mutex_lock(&state.mutex);
	uint64_t now_ms = clock_wall_ms();
	emit_count(now_ms, "last line repeated", &state.repeats);
	emit_count(now_ms, "log lines dropped", &state.dropped);
	pthread_mutex_unlock(&state.mutex);
}
