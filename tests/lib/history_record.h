// SPDX-License-Identifier: Apache-2.0
/* Writes a history down while it happens, to be judged (history.h); and doctors that make a good
 * one bad, each in a way that the judge must find. */
#pragma once

#include "tests/lib/history.h"

struct history_line {
	int64_t at;      /* ms of one clock */
	uint32_t client; /* number */
	uint32_t call;   /* place of the call + 1 */
	bool ret;
	const char *text;
};

struct history_record {
	struct arena arena;
	const char *settings; /* lines "set …" */
	struct history_line *lines;
	size_t n, cap;
};

/* Before it is sent. Returns the call's number, for the answer; a call that never gets one stays
 * open. */
uint32_t history_called(struct history_record *r, int64_t at, uint32_t client, const char *fmt,
	...) must_check printf_like(4, 5);
void history_answered(struct history_record *r, int64_t at, uint32_t call, const char *fmt, ...)
	printf_like(4, 5);
void history_write(const struct history_record *r, FILE *to);
void history_record_fini(struct history_record *r);

/* harm: the history as it would be if the service had a certain fault, seen at this call; false,
 * and nothing changed, where that fault would not show. */
struct history_doctor {
	const char *fault;
	bool (*harm)(struct history *h, uint32_t call);
};
enum { HISTORY_DOCTORS = 8 };
extern const struct history_doctor history_doctors[HISTORY_DOCTORS];
